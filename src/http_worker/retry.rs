//! When a request goes out once more, because its connection was lost before anything came back; and what is looked at before it
//! goes out, so that it does not go out twice when it must not.

use super::redirect::Hop;
use super::request;
use super::response::Response;
use super::setup::Setup;
use crate::shared::query::{Method, Query};
use crate::transport::easy::Easy;
use crate::transport::error::TransferError;
use curl_sys as curl;

/// Nothing received yet of the response to a request.
pub fn response_to(query: &Query, hop: &Hop, setup: &Setup, connections_are_shared: bool) -> Response {
    let response = Response::new(hop.redirects_are(query), query.options().max_response_size as usize);
    let response = match hop.method {
        Method::Head => response.without_body(),
        _ if setup.has_credentials() => response.after_challenges(),
        _ => response,
    };
    if request::speaks_only_http1(query, hop) {
        response.on_silent_connection()
    } else if connections_are_shared && !hop.method.is_idempotent() {
        response.once()
    } else {
        response
    }
}

/// The same request once more, where nothing has come back and it may go out twice: on a new connection, or where several share
/// one, on any other. So does one for which libcurl had no address any more when it was to connect at last: others of the same
/// worker may have had it throw away what this one has given it.
pub fn once_more(
    easy: &mut Easy<Response>,
    hop: &Hop,
    result: &Result<(), TransferError>,
    connections_are_shared: bool,
) -> Option<Hop> {
    if hop.sent_again {
        return None;
    }
    let has_no_address = result.as_ref().is_err_and(|error| error.code == curl::CURLE_COULDNT_RESOLVE_HOST);
    if has_no_address && easy.receiver_mut().may_begin_anew() {
        return Some(hop.again(false));
    }
    let is_lost = result.as_ref().is_err_and(|error| error.is_lost_connection(&easy.error_text()))
        && easy.receiver_mut().is_empty();
    if is_lost && connections_are_shared && was_shared(easy) {
        // Others were being served: the server may well have acted on this one. What it has not taken, as it said (RFC 9113
        // section 8.7), libcurl has sent again itself.
        return hop.method.is_idempotent().then(|| hop.again(false));
    }
    let unfit = easy.receiver_mut().was_unfit() || (is_lost && easy.was_connection_kept());
    unfit.then(|| hop.again(true))
}

/// Whether a connection was one for several requests at a time, or could have been: it spoke HTTP/2, or it was used by
/// another request while its first had no response yet.
fn was_shared(easy: &Easy<Response>) -> bool {
    easy.spoke_http2().unwrap_or_else(|| easy.was_connection_kept())
}

#[cfg(test)]
mod tests {
    use super::super::redirect::tests::hop;
    use super::*;
    use crate::shared::query::Method;

    #[test]
    fn a_request_whose_address_libcurl_has_lost_begins_once_more_and_no_more() {
        let hop = hop(Method::Post);
        let mut easy = Easy::new(Response::default()).expect("there is memory");
        let lost = Err(TransferError::new(curl::CURLE_COULDNT_RESOLVE_HOST));
        let again = once_more(&mut easy, &hop, &lost, true).expect("once");
        assert!(again.sent_again && !again.new_connection);
        assert!(once_more(&mut easy, &again, &lost, true).is_none());
    }
}
