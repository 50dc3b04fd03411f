//! What a query costs its caller in this module's own code: the block in shared memory, made and given back. Shared memory is the
//! C library's heap here.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use without_kamailio::entry_points::benchmarked::{Options, Query, Text, Texts};

const URL: &[u8] = b"https://routing.example.com:8443/v1/route?caller=sip%3Aalice%40example.com&callee=%2B390212345678";

fn build(criterion: &mut Criterion) {
    let mut bare = Texts::default();
    bare.set(Text::Url, Some(URL));
    measure(criterion, "GET", &bare, &[]);

    let body = vec![b'x'; 1024];
    let mut full = bare;
    full.set(Text::Body, Some(&body));
    full.set(Text::Username, Some(b"proxy"));
    full.set(Text::Password, Some(b"secret"));
    full.set(Text::TlsCaPath, Some(b"/etc/ssl/certs/ca-certificates.crt"));
    full.set(Text::Xdata, Some(b"call-1"));
    let headers: Vec<Vec<u8>> = (0..8).map(|number| format!("X-Header-{number}: a value").into_bytes()).collect();
    measure(criterion, "POST of 1 KiB with 8 headers", &full, &headers);
}

fn measure(criterion: &mut Criterion, name: &str, texts: &Texts<'_>, headers: &[Vec<u8>]) {
    let options = Options::example();
    criterion.bench_function(&format!("query/{name}"), |bencher| {
        bencher.iter(|| Query::new(black_box(options), black_box(texts), black_box(headers)).is_ok());
    });
}

criterion_group!(benches, build);
criterion_main!(benches);
