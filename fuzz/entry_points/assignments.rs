//! Assignments to `$http_req`, and the query that is made of them. Each line is one: the first byte chooses the key, the
//! second what kind of value it gets; `\` before an `n` or an `r` stands for a line end.

use crate::host::variable::Assigned;
use crate::module::request_keys::{MAX_BODY, MAX_HEADERS, REQUEST_KEYS};
use crate::module::settings::Settings;
use crate::shared::query::{Options, Query, Text, Texts};
use crate::sip_worker::request_parameters::RequestParameters;
use std::ffi::CStr;

/// One input.
pub fn run(input: &[u8]) {
    let mut parameters = RequestParameters::from_settings();
    for line in input.split(|byte| *byte == b'\n') {
        let [key, kind, value @ ..] = line else { continue };
        let value = String::from_utf8_lossy(value).replace("\\r", "\r").replace("\\n", "\n").into_bytes();
        let number = i64::try_from(value.len()).unwrap() - 2;
        let value = match kind % 4 {
            0 => Assigned::Null,
            1 => Assigned::Integer(number),
            2 => Assigned::Both(&value, number),
            _ => Assigned::Text(&value),
        };
        let key = &REQUEST_KEYS[usize::from(*key) % REQUEST_KEYS.len()];
        let before = parameters.clone();
        if let Err(reason) = key.store(&mut parameters, value) {
            assert!(!reason.is_empty() && !reason.contains('\n') || reason.contains("is refused"));
            assert_eq!(format!("{before:?}"), format!("{parameters:?}"), "a refused value changed something");
        }
    }
    check(&parameters);
    send(&parameters);
}

fn check(parameters: &RequestParameters) {
    assert!(parameters.headers.len() <= MAX_HEADERS);
    for header in &parameters.headers {
        assert!(!header.iter().any(|byte| b"\r\n\0".contains(byte)), "{header:?}");
        let end = header.iter().position(|byte| b":;".contains(byte)).expect("a name ends");
        assert!(end > 0 && header[..end].iter().all(|byte| byte.is_ascii_graphic()), "{header:?}");
    }
    for word in [&parameters.username, &parameters.password].into_iter().flatten() {
        assert!(!word.as_bytes().iter().any(u8::is_ascii_control), "{word:?}");
    }
    assert!(parameters.body.as_ref().is_none_or(|body| !body.is_empty() && body.len() <= MAX_BODY));
    let limits = Settings::from_defaults();
    assert!(parameters.timeout.as_millis() >= 1 && limits.connection_timeout.as_millis() >= 1);
    assert!(parameters.authmethod.is_none_or(|methods| (1..=31).contains(&methods)));
}

/// The block carries what was assigned.
fn send(parameters: &RequestParameters) {
    let mut texts = Texts::default();
    texts.set(Text::Body, parameters.body.as_deref());
    texts.set(Text::Username, parameters.username.as_deref().map(CStr::to_bytes));
    texts.set(Text::Password, parameters.password.as_deref().map(CStr::to_bytes));
    texts.set(Text::Xdata, parameters.xdata.as_deref());
    let query = Query::new(Options::example(), &texts, &parameters.headers).expect("there is memory");
    assert_eq!(query.bytes(Text::Body), parameters.body.as_deref());
    assert_eq!(query.text(Text::Username), parameters.username.as_deref());
    assert_eq!(query.text(Text::Password), parameters.password.as_deref());
    assert_eq!(query.bytes(Text::Xdata), parameters.xdata.as_deref());
    assert!(query.headers().map(CStr::to_bytes).eq(parameters.headers.iter().map(Vec::as_slice)));
}
