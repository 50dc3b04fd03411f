//! Kamailio with a subject's module, and the script that all measurements share: the user part of a MESSAGE says what to do.

use crate::subject::Subject;
use end_to_end::kamailio::{Builder, Kamailio};
use std::time::Duration;

/// A feeder may take that long for its queries.
const PATIENCE: Duration = Duration::from_secs(120);

/// - `feed-N-M`: N queries, M in flight, and the answer when all have ended. It sleeps between its looks, so that it takes little of
///   the processor.
/// - `call-N`: N queries as fast as it can; `loop-N`: the same loop without the call.
/// - `paced-N`: N queries, each after a pause in which the last one ends and the worker falls asleep; `pauses-N`: the pauses alone.
/// - `hang-N`: N queries to the server that does not answer.
/// - `query`: a transaction that waits for a query; `reply`: one that does not.
const SCRIPT: &str = r#"
    route[MAIN] {
        $var(count) = $(rU{s.select,1,-}{s.int});
        $var(i) = 0;
        switch($(rU{s.select,0,-})) {
        case "query":
            t_newtran();
            http_async_query("{url}", "REPLY");
            t_reply("500", "Not suspended");
            exit;
        case "reply":
            t_newtran();
            t_reply("200", "OK");
            exit;
        case "feed":
            route(FEED);
            break;
        case "call":
            while($var(i) < $var(count)) { http_async_query("{url}", "DONE"); $var(i) = $var(i) + 1; }
            break;
        case "loop":
            while($var(i) < $var(count)) { $var(i) = $var(i) + 1; }
            break;
        case "paced":
            while($var(i) < $var(count)) {
                usleep("{long_pause}");
                http_async_query("{url}", "DONE");
                $var(i) = $var(i) + 1;
            }
            break;
        case "pauses":
            while($var(i) < $var(count)) { usleep("{long_pause}"); $var(i) = $var(i) + 1; }
            break;
        case "hang":
            while($var(i) < $var(count)) { http_async_query("{silent}", "DONE"); $var(i) = $var(i) + 1; }
            break;
        }
        sl_send_reply("200", "OK");
    }
    route[FEED] {
        $var(most) = $(rU{s.select,2,-}{s.int});
        $var(before) = $stat(replies) + $stat(errors);
        $var(ended) = 0;
        while($var(ended) < $var(count)) {
            while($var(i) < $var(count) && $var(i) - $var(ended) < $var(most)) {
                {parameters}
                http_async_query("{url}", "DONE");
                $var(i) = $var(i) + 1;
            }
            usleep("{pause}");
            $var(ended) = $stat(replies) + $stat(errors) - $var(before);
        }
    }
    route[DONE] { return; }
    route[REPLY] { t_reply("200", "OK"); }"#;

/// How long a feeder sleeps between its looks, in µs.
const PAUSE: u32 = 50;
/// How long a paced caller sleeps before each call, in µs.
const LONG_PAUSE: u32 = 500;

/// An instance with a subject's module.
pub fn builder(subject: &Subject, url: &str) -> Builder {
    Kamailio::with_script(SCRIPT)
        .module(&subject.module)
        .modules(&["statistics", "cfgutils"])
        .before("max_while_loops=100000000")
        .parameter("memory_manager", format!("\"{}\"", subject.memory_manager))
        .parameter("connection_timeout", 60_000)
        .shared_memory(256)
        .children(1)
        .set("parameters", "")
        .set("pause", PAUSE)
        .set("long_pause", LONG_PAUSE)
        .set("silent", url)
        .set("url", url)
}

/// An instance, ended without ceremony: how it stops is no matter of a measurement.
pub struct Instance(Kamailio);

impl Instance {
    /// Starts it.
    pub fn start(builder: Builder) -> Self {
        Self(builder.start())
    }

    /// Kamailio.
    pub fn kamailio(&self) -> &Kamailio {
        &self.0
    }

    /// Its only HTTP worker.
    pub fn http_worker(&self) -> u32 {
        let [worker] = self.0.http_workers();
        worker
    }

    /// Its SIP workers.
    pub fn sip_workers(&self) -> Vec<u32> {
        self.0.processes_where(|description| description.starts_with("udp receiver"))
    }

    /// Lets a SIP worker do something, and waits until it is done.
    ///
    /// # Panics
    /// It is not.
    pub fn order(&self, order: &str) {
        let client = self.0.client();
        client.send("MESSAGE", order, "", "");
        let answer = client.receive(PATIENCE);
        assert_eq!(answer.map_or(0, |answer| answer.status()), 200, "{order}; the log:\n{}", self.0.log());
    }

    /// Replies, and errors with timeouts among them: what both modules count when a query ends.
    pub fn counts(&self) -> [i64; 2] {
        let all = self.0.rpc_numbers(&["stats.fetch", "http_async_client:"]);
        ["replies", "errors"].map(|name| all.get(&format!("http_async_client.{name}")).copied().unwrap_or(0))
    }

    /// Queries that ended with an error have no place in a measurement.
    pub fn assert_no_errors(&self) {
        let [_, errors] = self.counts();
        assert_eq!(errors, 0, "the log:\n{}", self.0.log());
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.0.kill();
    }
}
