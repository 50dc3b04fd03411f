//! The query block: what goes in comes out. Each line is a text: its first byte says which, or that it is a header.

use crate::shared::query::{Options, Query, Text, Texts};

const TEXTS: [Text; 9] = [
    Text::Url,
    Text::Body,
    Text::Username,
    Text::Password,
    Text::TlsClientCert,
    Text::TlsClientKey,
    Text::TlsCaPath,
    Text::Xdata,
    Text::Function,
];

/// One input.
pub fn run(input: &[u8]) {
    let mut texts = Texts::default();
    let mut expected: [Option<&[u8]>; TEXTS.len()] = Default::default();
    let mut headers = Vec::new();
    for line in input.split(|byte| *byte == b'\n') {
        let [which, text @ ..] = line else { continue };
        match TEXTS.get(usize::from(*which) % (TEXTS.len() + 2)) {
            Some(which) => {
                texts.set(*which, Some(text));
                expected[*which as usize] = Some(text);
            }
            None => headers.push(text.to_vec()),
        }
    }
    let query = Query::new(Options::example(), &texts, &headers).expect("there is memory");
    for which in TEXTS {
        let text = expected[which as usize];
        assert_eq!(query.bytes(which), text);
        let as_c_string = text.filter(|text| !text.contains(&0));
        assert_eq!(query.text(which).map(|text| text.to_bytes()), as_c_string);
    }
    let without_nul: Vec<&Vec<u8>> = headers.iter().filter(|header| !header.contains(&0)).collect();
    assert!(query.headers().map(|header| header.to_bytes().to_vec()).eq(without_nul.into_iter().cloned()));
    assert_eq!(query.options().max_redirects, 5);
}
