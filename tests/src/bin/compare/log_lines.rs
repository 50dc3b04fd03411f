//! The lines of a log that an operator is alerted by.

/// Levels that count, from the worst.
const LEVELS: [&str; 3] = ["CRITICAL", "ERROR", "WARNING"];
/// What Kamailio writes when a script uses a name that nobody has.
const UNKNOWN: [&str; 6] = [
    "unknown command",
    "(a nil value)",
    "unknown http_req name",
    "No stat variable",
    "error searching pvar",
    "of type <2:int> not found in module",
];

/// How many lines of which level there are, from any module and from the core.
pub fn by_level(log: &str) -> String {
    let counts = LEVELS.map(|level| (level, count(log, level)));
    let shown = counts.iter().filter(|(_, count)| *count > 0).map(|(level, count)| format!("{count} {level}"));
    let shown: Vec<String> = shown.collect();
    if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
}

fn count(log: &str, level: &str) -> usize {
    log.lines().filter(|line| is_of_level(line, level)).count()
}

/// A line begins with rank and process id, as ` 3(4711) ERROR: tm [...]`.
fn is_of_level(line: &str, level: &str) -> bool {
    let after = line.split_once(") ").map_or("", |(_, rest)| rest);
    after.strip_prefix(level).is_some_and(|rest| rest.starts_with(": "))
}

/// Whether the log says that the script uses an unknown name.
pub fn tells_of_an_unknown_name(log: &str) -> bool {
    UNKNOWN.iter().any(|text| log.contains(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_by_the_level_at_their_beginning() {
        let log = " 0(7) ERROR: tm [a.c:1]: f(): no\n 1(8) NOTICE: <script>: an ERROR: of a script\n 7(9) CRITICAL: tm [b.c:2]: x\n 1(8) ERROR: x\n";
        assert_eq!(by_level(log), "1 CRITICAL, 2 ERROR");
        assert_eq!(by_level(" 0(7) INFO: all is well\n"), "nothing");
    }
}
