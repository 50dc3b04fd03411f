//! Script variables: Kamailio's pv functions on one side, the rows of `module/variables.rs` on the other.
//! Names are parsed in main while the script is read, values are read and written in script processes.

use super::bytes::Bytes;
use super::message::{Message, MessageId};
use super::per_message::PerMessage;
use super::{guarded, heap, log, sys};
use crate::module::variables::{Access, VARIABLES, Variable};
use std::cell::RefCell;
use std::ffi::{c_char, c_int, c_void};
use std::fmt;

/// What a variable holds.
#[derive(Clone, Debug)]
pub enum Value {
    /// `$null`.
    Null,
    /// A string.
    Text(Bytes),
    /// A number; the script sees it as a string too.
    Integer(i64),
}

/// `$null` where there is none, or memory was exhausted.
impl From<Option<Bytes>> for Value {
    fn from(bytes: Option<Bytes>) -> Self {
        bytes.map_or(Self::Null, Self::Text)
    }
}

/// What a script assigns.
#[derive(Clone, Copy, Debug)]
pub enum Assigned<'a> {
    /// `$null`.
    Null,
    /// A string.
    Text(&'a [u8]),
    /// A number.
    Integer(i64),
    /// A value that is both, as `$rs` or `{s.int}` give it.
    Both(&'a [u8], i64),
}

impl fmt::Display for Assigned<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => formatter.write_str("$null"),
            Self::Integer(number) | Self::Both(_, number) => write!(formatter, "{number}"),
            Self::Text(text) => {
                write!(formatter, "\"{}\"", heap::shown(text))
            }
        }
    }
}

/// Which of several equal names is meant: `[n]`, from the end when negative, or `[*]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Index {
    /// One of them.
    Number(i32),
    /// All of them.
    All,
}

thread_local! {
    /// One part of each buffer that a script holds on to while it runs for a message.
    static HANDED_OUT: RefCell<PerMessage<Vec<Bytes>>> = const { RefCell::new(PerMessage::new()) };
}

/// Keeps the buffer of a value alive while the script runs for this message.
fn keep(message: MessageId, bytes: &Bytes) {
    HANDED_OUT.with_borrow_mut(|handed_out| {
        if handed_out.get(message).is_some_and(|kept| kept.iter().any(|kept| kept.share_buffer(bytes))) {
            return;
        }
        let mut kept = handed_out.take(message).unwrap_or_default();
        kept.push(bytes.clone());
        handed_out.insert(message, kept);
    });
}

/// Lets go of what was handed out. HTTP workers, after a route.
pub fn release_handed_out() {
    HANDED_OUT.with_borrow_mut(PerMessage::clear);
}

/// What Kamailio passes to a getter.
struct Getter {
    message: *mut sys::sip_msg,
    parameter: *mut sys::pv_param_t,
    result: *mut sys::pv_value_t,
}

impl Getter {
    fn answer(&self, message: Message, value: &Value) -> c_int {
        // SAFETY: Kamailio's own arguments, handed back to its functions; the bytes live until the route ends (keep), and C may write
        // behind them.
        unsafe {
            match value {
                Value::Null => self.null(),
                Value::Integer(number) => match sys::shim_script_integer::try_from(*number) {
                    Ok(number) => sys::pv_get_sintval(self.message, self.parameter, self.result, number),
                    Err(_) => self.null(),
                },
                Value::Text(bytes) => {
                    keep(message.id(), bytes);
                    let mut text = bytes.as_str();
                    sys::pv_get_strval(self.message, self.parameter, self.result, &mut text)
                }
            }
        }
    }

    fn null(&self) -> c_int {
        // SAFETY: as in answer().
        unsafe { sys::pv_get_null(self.message, self.parameter, self.result) }
    }
}

extern "C" fn get<const ROW: usize>(
    message: *mut sys::sip_msg,
    parameter: *mut sys::pv_param_t,
    result: *mut sys::pv_value_t,
) -> c_int {
    let getter = Getter { message, parameter, result };
    guarded("a variable", -1, || {
        let (Some(message), Some(variable)) = (Message::new(message), VARIABLES.get(ROW)) else {
            return getter.null();
        };
        let value = match variable.access {
            Access::Plain(read) => read(message),
            Access::Keyed { get, .. } => get(key_number(parameter)),
            Access::Header(read) => match (header_name(message, parameter), index(message, parameter)) {
                (Some(name), Some(index)) => read(name, index),
                _ => Value::Null,
            },
            Access::Assignable { .. } => Value::Null,
        };
        getter.answer(message, &value)
    })
}

/// The key's number, as [`parse_key`] left it.
fn key_number(parameter: *mut sys::pv_param_t) -> usize {
    // SAFETY: Kamailio hands in the parameter that parse_key filled: an integer name.
    let number = unsafe { (*parameter).pvn.u.isname.name.n };
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// A header name: fixed, or the value of a variable.
fn header_name<'a>(message: Message, parameter: *mut sys::pv_param_t) -> Option<&'a [u8]> {
    // SAFETY: the parameter is one that parse_header filled, so the union member goes with the type. The bytes belong
    // to the script or to the variable's value, and are used before the getter returns.
    unsafe {
        let text = if (*parameter).pvn.type_ == sys::PV_NAME_PVAR as c_int {
            let mut value: sys::pv_value_t = std::mem::zeroed();
            if sys::pv_get_spec_name(message.as_ptr(), parameter, &mut value) != 0
                || value.flags & sys::PV_VAL_STR as c_int == 0
            {
                return None;
            }
            value.rs
        } else {
            (*parameter).pvn.u.isname.name.s
        };
        bytes_of(&text)
    }
}

/// # Safety
/// `text` is null or points to `len` bytes that live as long as the result is used.
unsafe fn bytes_of<'a>(text: &sys::str_) -> Option<&'a [u8]> {
    let length = usize::try_from(text.len).ok()?;
    if text.s.is_null() {
        return None;
    }
    // SAFETY: the caller's contract.
    Some(unsafe { std::slice::from_raw_parts(text.s.cast(), length) })
}

fn index(message: Message, parameter: *mut sys::pv_param_t) -> Option<Index> {
    let (mut number, mut kind) = (0, 0);
    // SAFETY: Kamailio's own arguments; writes two ints.
    if unsafe { sys::pv_get_spec_index(message.as_ptr(), parameter, &mut number, &mut kind) } != 0 {
        return None;
    }
    Some(if kind == sys::PV_IDX_ALL as c_int { Index::All } else { Index::Number(number) })
}

extern "C" fn set<const ROW: usize>(
    message: *mut sys::sip_msg,
    parameter: *mut sys::pv_param_t,
    _operator: c_int,
    value: *mut sys::pv_value_t,
) -> c_int {
    guarded("an assignment", -1, || {
        let (Some(message), Some(variable)) = (Message::new(message), VARIABLES.get(ROW)) else {
            return -1;
        };
        let Access::Assignable { set, .. } = variable.access else {
            return -1;
        };
        match set(message, key_number(parameter), assigned(value)) {
            Ok(()) => 0,
            Err(line) => {
                log::error!("{line}");
                -1
            }
        }
    })
}

fn assigned<'a>(value: *mut sys::pv_value_t) -> Assigned<'a> {
    // SAFETY: Kamailio hands in null or a live value, whose text lives through the call.
    unsafe {
        let Some(value) = value.as_ref() else {
            return Assigned::Null;
        };
        let has = |flag: u32| value.flags & flag as c_int != 0;
        let text = if has(sys::PV_VAL_STR) { bytes_of(&value.rs) } else { None };
        match (text, has(sys::PV_VAL_INT)) {
            _ if has(sys::PV_VAL_NULL) => Assigned::Null,
            (Some(text), true) => Assigned::Both(text, value.ri.into()),
            (Some(text), false) => Assigned::Text(text),
            (None, true) => Assigned::Integer(value.ri.into()),
            (None, false) => Assigned::Null,
        }
    }
}

/// `$name(key)`: the key becomes its number; an unknown one keeps the script from loading.
extern "C" fn parse_key<const ROW: usize>(spec: *mut sys::pv_spec_t, name: *mut sys::str_) -> c_int {
    guarded("a variable's name", -1, || {
        let Some(variable) = VARIABLES.get(ROW) else {
            return -1;
        };
        let keys = match variable.access {
            Access::Keyed { keys, .. } | Access::Assignable { keys, .. } => keys(),
            _ => return -1,
        };
        // SAFETY: Kamailio hands in null or the text between the parentheses.
        let name = unsafe { name.as_ref().and_then(|name| bytes_of(name)) }.unwrap_or_default();
        let Some(number) = keys.iter().position(|key| key.as_bytes() == name) else {
            log::error!("{}", unknown_key(variable, name, &keys));
            return -1;
        };
        // SAFETY: Kamailio hands in the spec to fill.
        unsafe {
            (*spec).pvp.pvn.type_ = sys::PV_NAME_INTSTR as c_int;
            (*spec).pvp.pvn.u.isname.type_ = 0;
            (*spec).pvp.pvn.u.isname.name.n = number as sys::shim_script_integer;
        }
        0
    })
}

fn unknown_key(variable: &Variable, name: &[u8], keys: &[&str]) -> String {
    let variable = variable.name.to_string_lossy();
    format!("${variable}({}): there is no such key; the keys are {}", String::from_utf8_lossy(name), keys.join(", "))
}

/// `$http_hdr(Name)`, `$http_hdr($var(x))`, `$http_hdr(*)`.
extern "C" fn parse_header(spec: *mut sys::pv_spec_t, name: *mut sys::str_) -> c_int {
    guarded("a header's name", -1, || {
        // SAFETY: Kamailio hands in the spec to fill, and the text between the parentheses, which it keeps for as
        // long as the spec. pv_cache_get returns null or a spec that is never freed.
        unsafe {
            let Some(text) = name.as_ref().and_then(|name| bytes_of(name)).filter(|text| !text.is_empty()) else {
                log::error!("$http_hdr needs the name of a header");
                return -1;
            };
            if text.first() == Some(&b'$') {
                let inner = sys::pv_cache_get(name);
                if inner.is_null() {
                    log::error!("$http_hdr({}): there is no such variable", String::from_utf8_lossy(text));
                    return -1;
                }
                (*spec).pvp.pvn.type_ = sys::PV_NAME_PVAR as c_int;
                (*spec).pvp.pvn.u.dname = inner.cast::<c_void>();
            } else {
                (*spec).pvp.pvn.type_ = sys::PV_NAME_INTSTR as c_int;
                (*spec).pvp.pvn.u.isname.type_ = sys::AVP_NAME_STR as _;
                (*spec).pvp.pvn.u.isname.name.s = *name;
            }
        }
        0
    })
}

type PvExport = sys::_pv_export;

/// Kamailio's table of the variables; ends with an empty row.
pub(super) const fn table() -> [PvExport; VARIABLE_COUNT + 1] {
    [
        row::<0>(),
        row::<1>(),
        row::<2>(),
        row::<3>(),
        row::<4>(),
        row::<5>(),
        row::<6>(),
        row::<7>(),
        row::<8>(),
        row::<9>(),
        row::<10>(),
        row::<11>(),
        row::<12>(),
        row::<13>(),
        row::<14>(),
        row::<15>(),
        END,
    ]
}

/// Rows of `module/variables.rs`; [`table`] names each, because Kamailio passes a getter no word about its variable.
pub(super) const VARIABLE_COUNT: usize = 16;

const _: () = assert!(VARIABLES.len() == VARIABLE_COUNT);

const END: PvExport = PvExport {
    name: sys::str_ { s: std::ptr::null_mut(), len: 0 },
    type_: sys::PVT_NONE,
    getf: None,
    setf: None,
    parse_name: None,
    parse_index: None,
    init_param: None,
    iparam: 0,
};

#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn row<const ROW: usize>() -> PvExport {
    let variable = &VARIABLES[ROW];
    let name = variable.name;
    let mut export = PvExport {
        name: sys::str_ { s: name.as_ptr().cast_mut() as *mut c_char, len: name.to_bytes().len() as c_int },
        type_: sys::PVT_OTHER,
        getf: Some(get::<ROW>),
        ..END
    };
    match variable.access {
        Access::Plain(_) => {}
        Access::Keyed { .. } => export.parse_name = Some(parse_key::<ROW>),
        Access::Header(_) => {
            export.parse_name = Some(parse_header);
            export.parse_index = Some(sys::pv_parse_index);
        }
        Access::Assignable { .. } => {
            export.parse_name = Some(parse_key::<ROW>);
            export.setf = Some(set::<ROW>);
        }
    }
    export
}
