//! The way of a query through the ring of its worker, without the query itself: place, slot, hand-over, and the wake-up where the
//! worker sleeps.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use without_kamailio::entry_points::benchmarked::{Options, Query, Ring, Texts, workers};

const PLACES: u32 = 1024;

fn query() -> Query {
    Query::new(Options::example(), &Texts::default(), &[]).expect("there is memory")
}

fn publish(ring: &Ring, query: Query) {
    ring.reserve().expect("a place is free").publish(query);
}

fn take(ring: &Ring) -> Query {
    let query = ring.take().expect("it was published");
    ring.release_place();
    ring.finished();
    query
}

fn pass(criterion: &mut Criterion) {
    workers::create(1, PLACES).expect("there is memory");
    let ring = workers::rings().first().expect("it was made");
    criterion.bench_function("ring/one query while the worker is awake", |bencher| {
        let mut next = Some(query());
        bencher.iter(|| {
            publish(ring, next.take().expect("it came back"));
            next = Some(take(ring));
        });
    });
    criterion.bench_function("ring/one query that wakes the worker", |bencher| {
        let mut next = Some(query());
        bencher.iter(|| {
            assert!(ring.prepare_sleep());
            publish(ring, next.take().expect("it came back"));
            ring.clear_wake();
            next = Some(take(ring));
        });
    });
    criterion.bench_function(&format!("ring/{PLACES} queries, all published, then all taken"), |bencher| {
        let mut queries: Vec<Query> = (0..PLACES).map(|_| query()).collect();
        bencher.iter(|| {
            queries.drain(..).for_each(|query| publish(ring, query));
            queries.extend((0..PLACES).map(|_| take(ring)));
        });
    });
}

criterion_group!(benches, pass);
criterion_main!(benches);
