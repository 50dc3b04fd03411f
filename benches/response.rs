//! The response of a transfer: what libcurl hands over is collected, and a header is looked up as a script does.
#![allow(missing_docs)]

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use without_kamailio::entry_points::benchmarked::{Flow, Receiver, Redirects, Response, header_values};

const MAX_BODY: usize = 1024 * 1024;
const PIECE: usize = 16 * 1024;

/// Lines of a head with so many headers.
fn head(headers: usize) -> Vec<Vec<u8>> {
    let mut lines = vec![b"HTTP/1.1 200 OK\r\n".to_vec()];
    lines
        .extend((0..headers).map(|number| format!("X-Header-{number}: the value of header {number}\r\n").into_bytes()));
    lines.push(b"\r\n".to_vec());
    lines
}

/// As libcurl does: a line a call, a body in pieces of its buffer.
fn receive(redirects: Redirects, head: &[Vec<u8>], body: &[u8]) -> Response {
    let mut response = Response::new(redirects, MAX_BODY);
    assert_eq!(response.request(|_| false), Flow::Continue);
    let taken = head.iter().all(|line| response.header_line(line) == Flow::Continue)
        && body.chunks(PIECE).all(|piece| response.body(piece) == Flow::Continue);
    assert!(taken && response.confirms(200));
    response
}

fn collect(criterion: &mut Criterion) {
    for (headers, length) in [(8, 1024), (100, 1024), (8, 512 * 1024)] {
        let (head, body) = (head(headers), vec![b'x'; length]);
        let name = format!("response/{headers} headers, {} KiB", length / 1024);
        criterion.bench_function(&name, |bencher| {
            bencher.iter(|| receive(Redirects::Answer, black_box(&head), black_box(&body)));
        });
    }
    let (few, body) = (head(8), vec![b'x'; 1024]);
    criterion.bench_function("response/8 headers, 1 KiB, redirects are followed", |bencher| {
        bencher.iter(|| receive(Redirects::Lead, black_box(&few), black_box(&body)));
    });
}

fn look_up(criterion: &mut Criterion) {
    let head = head(100).concat();
    criterion.bench_function("response/the last of 100 headers by its name", |bencher| {
        bencher.iter(|| header_values(black_box(&head), black_box(b"x-header-99")).next());
    });
}

criterion_group!(benches, collect, look_up);
criterion_main!(benches);
