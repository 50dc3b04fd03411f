//! Kamailio's log. Any process. Nothing is formatted for a level that is not written.

use super::sys;
use std::ffi::{CString, c_int};
use std::fmt::Arguments;

/// Kamailio's log levels (`core/dprint.h`), those this module uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A fault in this module itself.
    Critical,
    /// Something asked for could not be done.
    Error,
    /// Done, but not as the operator may expect.
    Warning,
    /// What an operator reads in normal service.
    Info,
    /// What a developer reads.
    Debug,
}

impl Level {
    fn as_kamailio(self) -> c_int {
        match self {
            // The one of the two that the core writes with its name.
            Self::Critical => sys::L_CRIT2,
            Self::Error => sys::L_ERR as c_int,
            Self::Warning => sys::L_WARN as c_int,
            Self::Info => sys::L_INFO as c_int,
            Self::Debug => sys::L_DBG as c_int,
        }
    }
}

/// Whether Kamailio writes lines of `level` now.
pub fn enabled(level: Level) -> bool {
    // SAFETY: reads the core's debug level, which exists from the start of the program; no pointers.
    unsafe { sys::shim_log_enabled(level.as_kamailio()) != 0 }
}

/// Writes one line; `file` and `line` are the place in this module that wrote it. Line ends and other control bytes in
/// the text are written as `\xNN`, so that no peer can forge a line.
pub fn write(level: Level, file: &str, line: u32, text: Arguments<'_>) {
    if !enabled(level) {
        return;
    }
    let text = printable(&text.to_string());
    let name = file.rsplit_once("src/").map_or(file, |(_, name)| name);
    let location = CString::new(format!("http_async_client [{name}:{line}]: ")).unwrap_or_default();
    // SAFETY: both pointers live through the call, `text` has the length given; the shim copies what it needs.
    unsafe {
        sys::shim_log(level.as_kamailio(), location.as_ptr(), text.as_ptr().cast(), text.len() as c_int);
    }
}

/// A text as one line: line ends and other control bytes are written as `\xNN`, but for tabs.
pub fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.trim_end().chars() {
        if character.is_control() && character != '\t' {
            line.push_str(&format!("\\x{:02x}", character as u32));
        } else {
            line.push(character);
        }
    }
    line
}

macro_rules! log_at {
    ($level:ident, $($text:tt)*) => {
        $crate::host::log::write($crate::host::log::Level::$level, file!(), line!(), format_args!($($text)*))
    };
}
macro_rules! critical { ($($text:tt)*) => { $crate::host::log::log_at!(Critical, $($text)*) }; }
macro_rules! error { ($($text:tt)*) => { $crate::host::log::log_at!(Error, $($text)*) }; }
macro_rules! warning { ($($text:tt)*) => { $crate::host::log::log_at!(Warning, $($text)*) }; }
macro_rules! info { ($($text:tt)*) => { $crate::host::log::log_at!(Info, $($text)*) }; }
macro_rules! debug { ($($text:tt)*) => { $crate::host::log::log_at!(Debug, $($text)*) }; }
pub(crate) use {critical, debug, error, info, log_at, warning};

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_line_end_in_a_text_does_not_start_a_second_line() {
        assert_eq!(printable("a\r\nb\tc\n"), "a\\x0d\\x0ab\tc");
    }
}
