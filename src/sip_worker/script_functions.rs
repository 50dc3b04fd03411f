//! The script functions: what each does with the values of its parameters.

use super::request_parameters::{self, RequestParameters};
use super::submit::submit;
use crate::host::message::Message;
use crate::host::{heap, log};
use crate::module::functions::ScriptResult;
use crate::module::request_keys;

/// `http_async_query(url, route_name)`.
pub fn query(message: Message, values: &[&[u8]]) -> ScriptResult {
    let parameters = request_parameters::take(message.id());
    let [url, route] = values else {
        return ScriptResult::False;
    };
    submit(message, &parameters, url, route)
}

/// `http_async_query(url, post_data, route_name)`.
pub fn query_with_body(message: Message, values: &[&[u8]]) -> ScriptResult {
    let [url, body, route] = values else {
        return ScriptResult::False;
    };
    send_with(message, url, route, |parameters| {
        request_keys::store_text(parameters, "body", body)?;
        // Whoever names a body sends one, an empty one too: the request is a POST.
        parameters.body.get_or_insert_default();
        Ok(())
    })
}

/// `http_async_send(url, route_name)`.
pub fn send(message: Message, values: &[&[u8]]) -> ScriptResult {
    let [url, route] = values else {
        return ScriptResult::False;
    };
    send_with(message, url, route, |parameters| {
        parameters.suspend = false;
        Ok(())
    })
}

/// `http_async_send_xdata(url, route_name, xdata)`.
pub fn send_xdata(message: Message, values: &[&[u8]]) -> ScriptResult {
    let [url, route, xdata] = values else {
        return ScriptResult::False;
    };
    send_with(message, url, route, |parameters| {
        parameters.suspend = false;
        request_keys::store_text(parameters, "xdata", xdata)
    })
}

/// Sends a query after one more change of its parameters; a change that is refused is logged and refuses the query.
fn send_with(
    message: Message,
    url: &[u8],
    route: &[u8],
    change: impl FnOnce(&mut RequestParameters) -> Result<(), String>,
) -> ScriptResult {
    let mut parameters = request_parameters::take(message.id());
    if let Err(line) = change(&mut parameters) {
        log::error!("{line}");
        parameters.refused = true;
    }
    submit(message, &parameters, url, route)
}

/// `http_async_set(key, value)`.
pub fn set_named(message: Message, values: &[&[u8]]) -> ScriptResult {
    let [key, value] = values else {
        return ScriptResult::False;
    };
    done(request_keys::assign_text(message, &heap::shown(key), value))
}

/// The functions of the 4.4 generation that set one key.
pub fn set(message: Message, key: &str, values: &[&[u8]]) -> ScriptResult {
    let [value] = values else {
        return ScriptResult::False;
    };
    done(request_keys::assign_text(message, key, value))
}

fn done(result: Result<(), String>) -> ScriptResult {
    match result {
        Ok(()) => ScriptResult::True,
        Err(line) => {
            log::error!("{line}");
            ScriptResult::False
        }
    }
}

/// A query whose parameters have no value: what waited for it is gone, as after every refused one.
pub fn refuse_query(message: Message) {
    request_parameters::take(message.id());
}

/// A key that gets no value refuses the query after it.
pub fn refuse_key(message: Message) {
    request_parameters::pending(message.id(), |parameters| parameters.refused = true);
}
