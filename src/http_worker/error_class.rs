//! What kind of error a query ended with: one word and one number, which scripts compare with and which stay as they are.

use curl_sys::{self as curl, CURLcode};

/// The kinds of errors. The words `cancelled`, `breaker` and `refused` are kept for others to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// The deadline, or another limit of time, was passed.
    Timeout,
    /// There is no address for the host.
    Dns,
    /// No TCP connection came about.
    Connect,
    /// TLS: the handshake, a certificate, a key.
    Tls,
    /// What was asked for, or what came back, is not HTTP, or it was cut short.
    Protocol,
    /// A limit of this module was passed.
    Limit,
    /// Memory is exhausted.
    Memory,
    /// A fault of this module or of libcurl.
    Internal,
}

/// All of them, in the order of the manual.
#[cfg(test)]
pub const CLASSES: [ErrorClass; 8] = [
    ErrorClass::Timeout,
    ErrorClass::Dns,
    ErrorClass::Connect,
    ErrorClass::Tls,
    ErrorClass::Protocol,
    ErrorClass::Limit,
    ErrorClass::Memory,
    ErrorClass::Internal,
];

/// Errors of libcurl's newer than those that `curl-sys` names (`curl/curl.h`).
mod newer {
    pub const AUTH_ERROR: u32 = 94;
    pub const HTTP3: u32 = 95;
    pub const QUIC_CONNECT_ERROR: u32 = 96;
    pub const PROXY: u32 = 97;
    pub const SSL_CLIENTCERT: u32 = 98;
    pub const TOO_LARGE: u32 = 100;
    pub const ECH_REQUIRED: u32 = 101;
}

impl ErrorClass {
    /// The class of one of libcurl's errors.
    pub fn of(code: CURLcode) -> Self {
        match code {
            curl::CURLE_OPERATION_TIMEDOUT => Self::Timeout,
            curl::CURLE_COULDNT_RESOLVE_HOST | curl::CURLE_COULDNT_RESOLVE_PROXY => Self::Dns,
            curl::CURLE_COULDNT_CONNECT
            | curl::CURLE_INTERFACE_FAILED
            | curl::CURLE_NO_CONNECTION_AVAILABLE
            | newer::QUIC_CONNECT_ERROR => Self::Connect,
            code if is_of_tls(code) => Self::Tls,
            code if is_of_protocol(code) => Self::Protocol,
            curl::CURLE_FILESIZE_EXCEEDED | curl::CURLE_TOO_MANY_REDIRECTS | newer::TOO_LARGE => Self::Limit,
            curl::CURLE_OUT_OF_MEMORY => Self::Memory,
            _ => Self::Internal,
        }
    }

    /// `$http_err_class`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::Limit => "limit",
            Self::Memory => "memory",
            Self::Internal => "internal",
        }
    }

    /// `$http_errno`: libcurl's own number where it has two digits at most, as http_client's results, or that of the class.
    pub const fn number_of(self, code: CURLcode) -> u32 {
        if matches!(code, 1..=99) { code } else { self.number() }
    }

    /// The number of an error that libcurl does not know, of this class.
    pub const fn number(self) -> u32 {
        match self {
            Self::Timeout => curl::CURLE_OPERATION_TIMEDOUT,
            Self::Dns => curl::CURLE_COULDNT_RESOLVE_HOST,
            Self::Connect => curl::CURLE_COULDNT_CONNECT,
            Self::Tls => curl::CURLE_SSL_CONNECT_ERROR,
            Self::Protocol => curl::CURLE_FTP_WEIRD_SERVER_REPLY,
            Self::Limit => curl::CURLE_FILESIZE_EXCEEDED,
            Self::Memory => curl::CURLE_OUT_OF_MEMORY,
            Self::Internal => curl::CURLE_FAILED_INIT,
        }
    }
}

fn is_of_tls(code: CURLcode) -> bool {
    matches!(
        code,
        curl::CURLE_SSL_CONNECT_ERROR
            | curl::CURLE_PEER_FAILED_VERIFICATION
            | curl::CURLE_SSL_ENGINE_NOTFOUND
            | curl::CURLE_SSL_ENGINE_SETFAILED
            | curl::CURLE_SSL_ENGINE_INITFAILED
            | curl::CURLE_SSL_CERTPROBLEM
            | curl::CURLE_SSL_CIPHER
            | curl::CURLE_SSL_CACERT_BADFILE
            | curl::CURLE_USE_SSL_FAILED
            | curl::CURLE_SSL_SHUTDOWN_FAILED
            | curl::CURLE_SSL_CRL_BADFILE
            | curl::CURLE_SSL_ISSUER_ERROR
            | curl::CURLE_SSL_PINNEDPUBKEYNOTMATCH
            | curl::CURLE_SSL_INVALIDCERTSTATUS
            | newer::SSL_CLIENTCERT
            | newer::ECH_REQUIRED
    )
}

fn is_of_protocol(code: CURLcode) -> bool {
    matches!(
        code,
        curl::CURLE_UNSUPPORTED_PROTOCOL
            | curl::CURLE_URL_MALFORMAT
            // The name that curl-sys knows for CURLE_WEIRD_SERVER_REPLY.
            | curl::CURLE_FTP_WEIRD_SERVER_REPLY
            | curl::CURLE_HTTP2
            | curl::CURLE_HTTP2_STREAM
            | curl::CURLE_PARTIAL_FILE
            | curl::CURLE_HTTP_RETURNED_ERROR
            | curl::CURLE_RANGE_ERROR
            | curl::CURLE_GOT_NOTHING
            | curl::CURLE_SEND_ERROR
            | curl::CURLE_RECV_ERROR
            | curl::CURLE_BAD_CONTENT_ENCODING
            | curl::CURLE_SEND_FAIL_REWIND
            | curl::CURLE_LOGIN_DENIED
            | newer::AUTH_ERROR
            | newer::HTTP3
            | newer::PROXY
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_this_module_have_the_numbers_that_are_promised() {
        for (class, number) in [
            (ErrorClass::Timeout, 28),
            (ErrorClass::Dns, 6),
            (ErrorClass::Limit, 63),
            (ErrorClass::Memory, 27),
            (ErrorClass::Internal, 2),
        ] {
            assert_eq!((class.number(), ErrorClass::of(number)), (number, class));
        }
    }

    #[test]
    fn each_class_has_its_own_number_and_every_number_is_below_100() {
        for class in CLASSES {
            assert_eq!(ErrorClass::of(class.number()), class);
        }
        for code in 1..200 {
            let class = ErrorClass::of(code);
            let number = class.number_of(code);
            assert!((1..100).contains(&number), "{code}");
            assert_eq!(ErrorClass::of(number), class, "{code}");
        }
    }
}
