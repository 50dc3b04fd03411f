//! A call of tm fails.

use crate::stage::{Mercy, Stage};
use end_to_end::faults::Kind;

#[test]
fn each_call_of_tm_fails_once() {
    let stage = Stage::start("sys");
    stage.sweep_all(Kind::Tm, &["plain", "sent"], Mercy::TransactionMayEnd, 3);
    stage.sweep_all(Kind::TmNotSuspended, &["plain"], Mercy::TransactionMayEnd, 1);
}
