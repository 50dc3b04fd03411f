//! Copies on Rust's heap whose size a script or a peer decides. Rust ends the process where its heap is exhausted, but
//! not here. Any process.

use std::ffi::CString;

/// A copy of `bytes`; `None` when memory is exhausted.
pub fn copy(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).ok()?;
    copy.extend_from_slice(bytes);
    Some(copy)
}

/// Why there is no C string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoCString {
    /// The text holds a NUL byte.
    NulByte,
    /// Memory is exhausted.
    NoMemory,
}

/// A copy of `bytes` as C reads it.
///
/// # Errors
/// See [`NoCString`].
pub fn c_string(bytes: &[u8]) -> Result<CString, NoCString> {
    joined(&[bytes])
}

/// A copy of several texts, one behind the other, as C reads it.
///
/// # Errors
/// See [`NoCString`].
pub fn joined(parts: &[&[u8]]) -> Result<CString, NoCString> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut copy = Vec::new();
    // With room for the NUL byte, CString allocates nothing.
    copy.try_reserve_exact(length.saturating_add(1)).map_err(|_| NoCString::NoMemory)?;
    parts.iter().for_each(|part| copy.extend_from_slice(part));
    CString::new(copy).map_err(|_| NoCString::NulByte)
}

/// How a text is shown in a log line: its first characters, 80 at most.
pub fn shown(text: &[u8]) -> String {
    const CHARACTERS: usize = 80;
    const LONGEST_CHARACTER: usize = 4;
    let start = text.get(..CHARACTERS * LONGEST_CHARACTER).unwrap_or(text);
    String::from_utf8_lossy(start).chars().take(CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_c_string_holds_no_nul_byte() {
        assert_eq!(c_string(b"a\0b"), Err(NoCString::NulByte));
        assert_eq!(c_string(b"ab").as_deref(), Ok(c"ab"));
    }

    #[test]
    fn a_long_text_is_shown_in_part() {
        assert_eq!(shown("ä".repeat(500).as_bytes()), "ä".repeat(80));
        assert_eq!(shown(b"a\xffb"), "a\u{fffd}b");
    }
}
