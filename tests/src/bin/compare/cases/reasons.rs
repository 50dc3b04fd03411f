//! Reasons that several cases have.

/// The C module writes an ERROR line about each transfer that fails.
pub const FAILED: &str = "A failed transfer is no fault of Kamailio's: the callback gets `$http_err` to log at the level that fits, `errors` \
counts it, and a peer that is down does not fill the log.";

/// `$http_rs`, `$http_rr` and `$http_rb` after redirects, challenges and 1xx.
pub const FINAL: &str = "The variables tell about the last response; in C status and reason are those of an earlier one, and the later \
heads are part of the body.";

/// `$null` for a key.
pub const NULL: &str = "`$null` takes back what the key has set, as the manual says; in C it does nothing.";

/// A value that a key does not take.
pub const REFUSED: &str = "What was asked for cannot be sent: the assignment and the query after it are refused with -1 and ERROR lines, \
and the script can answer. C sends something else.";

/// Methods with content, without a body.
pub const LENGTH: &str = "A method that carries content is sent with its length, 0, as RFC 9110 section 8.6 wants it; some servers answer \
411 otherwise.";

/// Keep-alive.
pub const KEEPALIVE: &str = "The socket options are really set; a wrong `#ifdef` leaves them out of the C module.";

/// Reading variables after an error.
pub const READING: &str = "A variable without a value is `$null`, and reading it logs nothing.";

/// The facts of a query that C sends and ours refuses.
pub const REFUSAL: &[&str] = &["SIP answer", "HTTP requests", "log", "requests", "replies"];
