//! What the demonstration prints, and whether all of it is as it should be.

use crate::call::Call;
use crate::stage::Stage;
use end_to_end::interrupt::Stop;
use std::io::Write;

/// Requests, replies, errors, timeouts and in_flight after the three calls.
const COUNTS: [i64; 5] = [3, 2, 1, 0, 0];

/// A heading and indented lines.
pub fn print_section(heading: &str, text: &str) {
    let lines = text.lines().map(|line| format!("    {}", line.replace('\t', "    ")));
    let section: String = lines.map(|line| format!("{}\n", line.trim_end())).collect();
    print(&format!("{heading}\n\n{section}\n"));
}

/// A reader that went away, such as `head`, is no reason to end early.
fn print(text: &str) {
    std::io::stdout().write_all(text.as_bytes()).ok();
}

/// INVITEs, HTTP requests, answers.
pub fn print_calls(calls: &[Call; 3], stage: &Stage) {
    let [known, unknown, unanswered] = calls;
    print_section("1. What went out: three SIP INVITEs, sent by SIPp", &invites(calls));
    print_section("2. What the HTTP service saw, with its answers; it was stopped before the third call", &seen(stage));
    print("3. The SIP answers that Kamailio made from them\n\n");
    print_section("   a user that the service knows", &known.answer);
    print_section("   a user that it does not know", &unknown.answer);
    print_section("   with the service stopped", &unanswered.answer);
    print_section("   and what the script logged then, from $http_err_text", &stage.complaints().join("\n"));
}

/// The first in full, of the others the first line.
fn invites(calls: &[Call; 3]) -> String {
    let [first, others @ ..] = calls;
    let mut text = format!("{}\n", first.invite);
    for call in others {
        let line = call.invite.lines().next().unwrap_or_default();
        text.push_str(&format!("\n{line}\n..."));
    }
    text
}

fn seen(stage: &Stage) -> String {
    stage.seen().join("\n\n")
}

/// # Errors
/// [`Stop::Failed`] names each answer that was not the expected one.
pub fn judge(calls: &[Call; 3], counts: [i64; 5]) -> Result<(), Stop> {
    let wrong = calls.iter().filter(|call| !call.is_as_expected());
    let mut reasons: Vec<String> = wrong.map(unexpected).collect();
    if counts != COUNTS {
        reasons.push(format!("requests, replies, errors, timeouts, in_flight are {counts:?} and should be {COUNTS:?}"));
    }
    if reasons.is_empty() { Ok(()) } else { Err(Stop::Failed(reasons.join("\n"))) }
}

fn unexpected(call: &Call) -> String {
    let got = call.answer.lines().next().unwrap_or("no final answer");
    format!("the call to {} got {got:?} and should have got {}", call.user, call.expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(user: &'static str, expected: u16, answer: &str) -> Call {
        Call { user, expected, invite: String::new(), answer: answer.to_owned() }
    }

    #[test]
    fn every_answer_and_count_has_to_be_the_expected_one() {
        let right = || call("a", 302, "SIP/2.0 302 Moved Temporarily\r\nVia: x");
        assert!(judge(&[right(), right(), right()], COUNTS).is_ok());
        assert!(judge(&[right(), right(), right()], [3, 3, 0, 0, 0]).is_err());
        let wrong = [right(), call("b", 404, "SIP/2.0 500 Error"), call("c", 503, "")];
        let Err(Stop::Failed(reason)) = judge(&wrong, COUNTS) else { panic!("two answers are wrong") };
        let expected = "the call to b got \"SIP/2.0 500 Error\" and should have got 404\n\
                        the call to c got \"no final answer\" and should have got 503";
        assert_eq!(reason, expected);
    }
}
