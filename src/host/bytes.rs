//! Bytes that a script gets to see. HTTP workers make most of them, and any process that runs the script reads them.
//!
//! Kamailio's setters write behind a value: they put a NUL at `s[len]` for a moment, and then back what was there (`STR_VTOZ` in
//! `core/str.h`, as in `$ru = $http_rb`). So there is always one byte more than a value has. For a part of a buffer that is the byte
//! that follows in the buffer; for the end of a buffer it is a NUL.
//!
//! A [`Buffer`] grows, has one owner, and can be read as a slice. It becomes [`Bytes`], which C may write to as long as there are any:
//! Rust sees them by raw pointers alone, and reads them by copying.

use super::sys;
use std::cell::UnsafeCell;
use std::ffi::c_int;
use std::mem::ManuallyDrop;
use std::ops::{Deref, Range};
use std::ptr::NonNull;
use std::rc::Rc;

/// Memory is exhausted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoMemory;

/// Bytes that nobody but their owner sees yet. Where memory is allocated, it has room for one byte more.
#[derive(Debug, Default)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// Makes room for so many bytes more.
    ///
    /// # Errors
    /// See [`NoMemory`].
    pub fn reserve(&mut self, bytes: usize) -> Result<(), NoMemory> {
        self.0.try_reserve(bytes.saturating_add(1)).map_err(|_| NoMemory)
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// See [`NoMemory`].
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), NoMemory> {
        self.reserve(bytes.len())?;
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    /// Removes all bytes; the memory stays.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether it has memory.
    pub fn has_room(&self) -> bool {
        self.0.capacity() > 0
    }
}

impl Deref for Buffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// What a [`Buffer`] has become.
#[derive(Debug)]
struct Storage {
    start: NonNull<u8>,
    length: usize,
    /// 0 for none; more than `length` otherwise.
    capacity: usize,
}

/// For buffers without memory: a byte that C may write to.
struct Nothing(UnsafeCell<u8>);

// SAFETY: only C uses the byte, in the one thread of its process.
unsafe impl Sync for Nothing {}

static NOTHING: Nothing = Nothing(UnsafeCell::new(0));

impl From<Buffer> for Storage {
    fn from(buffer: Buffer) -> Self {
        let mut bytes = ManuallyDrop::new(buffer.0);
        let (length, capacity) = (bytes.len(), bytes.capacity());
        // `bytes` is not used from here on: this pointer is the only way to its memory.
        let start = match NonNull::new(bytes.as_mut_ptr()) {
            Some(start) if capacity > 0 => start,
            _ => NonNull::from(&NOTHING.0).cast(),
        };
        if capacity > 0 {
            // SAFETY: Buffer::reserve leaves room for one byte behind the last.
            unsafe { start.add(length).write(0) };
        }
        Self { start, length, capacity }
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        if self.capacity > 0 {
            // SAFETY: pointer and capacity are those of the vector that was taken apart; nobody else has them.
            drop(unsafe { Vec::from_raw_parts(self.start.as_ptr(), self.length, self.capacity) });
        }
    }
}

/// Bytes that a script may hold on to until its route ends: part of a buffer that lives as long as any part of it.
#[derive(Clone, Debug)]
pub struct Bytes {
    storage: Rc<Storage>,
    start: usize,
    length: usize,
}

impl From<Buffer> for Bytes {
    fn from(buffer: Buffer) -> Self {
        let storage = Storage::from(buffer);
        Self { start: 0, length: storage.length, storage: Rc::new(storage) }
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Self::from(Buffer::default())
    }
}

impl Bytes {
    /// A copy of `bytes`; `None` when memory is exhausted.
    pub fn copy_of(bytes: &[u8]) -> Option<Self> {
        let mut buffer = Buffer::default();
        buffer.append(bytes).ok()?;
        Some(buffer.into())
    }

    /// What a vector holds, which grows by a byte where it has to; `None` when memory is exhausted.
    pub fn of(bytes: Vec<u8>) -> Option<Self> {
        let mut buffer = Buffer(bytes);
        buffer.reserve(0).ok()?;
        Some(buffer.into())
    }

    /// A part of these; empty, at their start, when the range lies outside.
    pub fn part(&self, range: Range<usize>) -> Self {
        let range = if range.start <= range.end && range.end <= self.length { range } else { 0..0 };
        Self { storage: Rc::clone(&self.storage), start: self.start + range.start, length: range.len() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.length
    }

    /// A copy to look into; `None` when memory is exhausted.
    pub fn copy(&self) -> Option<Vec<u8>> {
        let mut copy = Vec::new();
        copy.try_reserve_exact(self.length).ok()?;
        // SAFETY: part() stays within the storage, so that many bytes can be read; the copy has room for them, and they are
        // initialised then.
        unsafe {
            std::ptr::copy_nonoverlapping(self.first().as_ptr(), copy.as_mut_ptr(), self.length);
            copy.set_len(self.length);
        }
        Some(copy)
    }

    /// Whether both are parts of one buffer.
    pub(super) fn share_buffer(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.storage, &other.storage)
    }

    /// As C sees them. It may write to `s[len]` as long as `self`, or another part of the buffer, lives.
    pub(super) fn as_str(&self) -> sys::str_ {
        sys::str_ { s: self.first().as_ptr().cast(), len: c_int::try_from(self.length).unwrap_or(c_int::MAX) }
    }

    fn first(&self) -> NonNull<u8> {
        // SAFETY: part() stays within the storage.
        unsafe { self.storage.start.add(self.start) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a setter of the core's does to a value (`STR_VTOZ`, `STR_ZTOV`): reads it as a C string meanwhile.
    fn as_c_string(bytes: &Bytes) -> Vec<u8> {
        let text = bytes.as_str();
        // SAFETY: what this test is about; memcheck watches (`make memcheck`).
        unsafe {
            let end = text.s.add(text.len as usize);
            let kept = end.read();
            end.write(0);
            let seen = std::ffi::CStr::from_ptr(text.s).to_bytes().to_vec();
            end.write(kept);
            seen
        }
    }

    #[test]
    fn the_byte_behind_any_value_is_in_its_allocation() {
        for length in [0, 1, 7, 8, 15, 16, 17, 63, 64, 511, 512, 513, 4096] {
            let text = vec![b'x'; length];
            let mut exact = Vec::with_capacity(length);
            exact.extend_from_slice(&text);
            let mut grown = Buffer::default();
            text.iter().for_each(|byte| assert_eq!(grown.append(&[*byte]), Ok(())));
            for bytes in [Bytes::copy_of(&text).unwrap(), Bytes::of(exact).unwrap(), grown.into()] {
                assert!(bytes.storage.capacity == 0 || bytes.storage.capacity > bytes.start + bytes.len());
                assert_eq!(as_c_string(&bytes), text);
                assert_eq!(bytes.copy(), Some(text.clone()));
            }
        }
    }

    #[test]
    fn a_part_is_written_behind_within_its_buffer_and_the_buffer_is_as_it_was() {
        let whole = Bytes::copy_of(b"head: value\r\n").unwrap();
        let value = whole.part(6..11);
        assert_eq!((as_c_string(&value), as_c_string(&whole.part(6..6))), (b"value".to_vec(), Vec::new()));
        assert_eq!(as_c_string(&value.part(1..3)), b"al");
        assert_eq!(whole.copy().as_deref(), Some(b"head: value\r\n".as_slice()));
        drop(whole);
        assert_eq!(value.copy().as_deref(), Some(b"value".as_slice()));
    }

    #[test]
    #[allow(clippy::reversed_empty_ranges, reason = "what is asked for")]
    fn a_part_outside_is_empty() {
        let whole = Bytes::copy_of(b"abc").unwrap().part(1..3);
        for range in [0..3, 3..4, 2..1, usize::MAX..usize::MAX] {
            assert_eq!(as_c_string(&whole.part(range)), b"");
        }
        assert_eq!(Bytes::default().part(0..1).len(), 0);
    }

    #[test]
    fn a_buffer_that_is_cleared_keeps_its_room() {
        let mut buffer = Buffer::default();
        assert!(!buffer.has_room());
        assert_eq!(buffer.append(b"abc"), Ok(()));
        buffer.clear();
        assert!(buffer.has_room() && buffer.is_empty());
        assert_eq!(as_c_string(&Bytes::from(buffer)), b"");
    }
}
