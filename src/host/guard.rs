//! The one guard that keeps a Rust panic out of C. Runs in every process.

use super::log;
use crate::module::statistics::Statistic;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};

/// Runs `body`; a panic becomes a log line, one more in the statistic `panics`, and `on_panic` as the result.
pub fn guarded<R>(what: &str, on_panic: R, body: impl FnOnce() -> R) -> R {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => result,
        Err(payload) => {
            Statistic::Panics.add(1);
            log::critical!("internal error in {what}: {}", text_of(payload.as_ref()));
            on_panic
        }
    }
}

/// Silences the standard hook, which would print to a stderr that a daemon does not have; [`guarded`] logs instead.
pub fn install_panic_hook() {
    set_hook(Box::new(|_| {}));
}

fn text_of(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        "a panic without a text"
    }
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[test]
    fn a_panic_becomes_the_error_value_and_the_process_goes_on() {
        assert_eq!(guarded("a test", -1, || panic!("expected by this test")), -1);
        assert_eq!(guarded("a test", -1, || 1), 1);
    }
}
