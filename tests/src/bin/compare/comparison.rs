//! What two observations of a case say about the two modules.

use crate::case::{Case, Difference};
use crate::observation::Observation;

/// What came of a case.
pub enum Verdict {
    /// Nothing differs.
    Same,
    /// What differs has a reason, each.
    Better,
    /// The C module does not have a name that the script uses.
    OnlyHere,
    /// These facts differ without a reason.
    BugOfOurs(Vec<String>),
    /// These facts have a reason and do not differ.
    StaleReason(Vec<String>),
}

impl Verdict {
    /// What the document calls it.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Better => "better",
            Self::OnlyHere => "only here",
            Self::BugOfOurs(_) => "a bug of ours",
            Self::StaleReason(_) => "a stale reason",
        }
    }
}

/// A case, what the two modules made of it, and what follows.
pub struct Comparison {
    /// The case.
    pub case: Case,
    /// The C module's.
    pub original: Observation,
    /// Ours.
    pub ours: Observation,
    /// What follows.
    pub verdict: Verdict,
}

impl Comparison {
    /// Compares.
    pub fn new(case: Case, original: Observation, ours: Observation) -> Self {
        let verdict = verdict(&case, &original, &ours);
        Self { case, original, ours, verdict }
    }

    /// Whether the run may end well with it.
    pub fn is_fine(&self) -> bool {
        !matches!(self.verdict, Verdict::BugOfOurs(_) | Verdict::StaleReason(_))
    }
}

fn verdict(case: &Case, original: &Observation, ours: &Observation) -> Verdict {
    let only_here = original.lacks_a_name && ours.value("start") == "up";
    let misplaced = case.differences.iter().filter(|difference| difference.facts.is_empty() != only_here);
    let misplaced: Vec<String> = misplaced.map(|difference| difference.reason.to_owned()).collect();
    match (misplaced.is_empty(), only_here) {
        (false, _) => return Verdict::StaleReason(misplaced),
        (true, true) => return Verdict::OnlyHere,
        (true, false) => {}
    }
    let differing = original.differing(ours);
    let has_reason = |fact: &String| case.differences.iter().any(|difference| names(difference, fact));
    let unexplained: Vec<String> = differing.iter().filter(|fact| !has_reason(fact)).cloned().collect();
    if !unexplained.is_empty() {
        return Verdict::BugOfOurs(unexplained);
    }
    let explained =
        case.differences.iter().flat_map(|difference| difference.facts.iter().map(|fact| (*fact).to_owned()));
    let stale: Vec<String> = explained.filter(|fact| !differing.contains(fact)).collect();
    match (stale.is_empty(), case.differences.is_empty()) {
        (false, _) => Verdict::StaleReason(stale),
        (true, false) => Verdict::Better,
        (true, true) => Verdict::Same,
    }
}

fn names(difference: &Difference, fact: &str) -> bool {
    difference.facts.contains(&fact)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(answer: &str) -> Observation {
        let mut observation = Observation::default();
        observation.note("start", "up");
        observation.note("SIP answer", answer);
        observation
    }

    fn word(case: Case, original: Observation, ours: &str) -> &'static str {
        Comparison::new(case, original, observed(ours)).verdict.word()
    }

    #[test]
    fn a_difference_needs_a_reason_and_a_reason_a_difference() {
        let case = || Case::query("a case", "");
        let explained = || case().better(&["SIP answer"], "it is");
        assert_eq!(word(case(), observed("200"), "200"), "same");
        assert_eq!(word(case(), observed("none"), "200"), "a bug of ours");
        assert_eq!(word(explained(), observed("none"), "200"), "better");
        assert_eq!(word(explained(), observed("200"), "200"), "a stale reason");
        assert_eq!(word(case().better(&["log"], "it is"), observed("none"), "200"), "a bug of ours");
    }

    #[test]
    fn a_name_that_the_original_lacks_is_only_here() {
        let case = || Case::query("a case", "");
        let lacking = || {
            let mut observation = observed("none");
            observation.lacks_a_name = true;
            observation
        };
        assert_eq!(word(case(), lacking(), "200"), "only here");
        assert_eq!(word(case().better(&["SIP answer"], "it is"), lacking(), "200"), "a stale reason");
        assert_eq!(word(case().only_here("more"), observed("200"), "200"), "a stale reason");
        let mut ours = lacking();
        ours.note("start", "refused");
        assert_ne!(Comparison::new(case(), lacking(), ours).verdict.word(), "only here", "ours lacks it too");
    }
}
