//! The content of a request (RFC 9112 section 6): by `Content-Length`, in chunks, or none.

use std::io;

use super::connection::{Connection, Transport};
use super::request::{Request, malformed};

/// More trailer fields than any test sends.
const MOST_TRAILERS: usize = 64;

/// Reads the body that the head of `request` announces.
///
/// # Errors
/// `InvalidData` when the framing is wrong, else as [`Connection::receive_more`].
pub(super) async fn read_body<T: Transport>(connection: &mut Connection<T>, request: &Request) -> io::Result<Vec<u8>> {
    if request.header_lists("Transfer-Encoding", "chunked") {
        return read_chunks(connection).await;
    }
    match request.header("Content-Length") {
        Some(length) => take_exactly(connection, length.parse().map_err(malformed)?).await,
        None => Ok(Vec::new()),
    }
}

async fn take_exactly<T: Transport>(connection: &mut Connection<T>, length: usize) -> io::Result<Vec<u8>> {
    while connection.received().len() < length {
        connection.receive_more().await?;
    }
    Ok(connection.take(length))
}

/// Reads the chunked coding (RFC 9112 section 7.1) to its end, trailer section included.
async fn read_chunks<T: Transport>(connection: &mut Connection<T>) -> io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = read_chunk_size(connection).await?;
        if length == 0 {
            skip_trailers(connection).await?;
            return Ok(body);
        }
        body.append(&mut take_exactly(connection, length).await?);
        if take_exactly(connection, 2).await? != b"\r\n" {
            return Err(malformed("a chunk is longer than its size"));
        }
    }
}

async fn read_chunk_size<T: Transport>(connection: &mut Connection<T>) -> io::Result<usize> {
    loop {
        let size = httparse::parse_chunk_size(connection.received()).map_err(|_| malformed("not a chunk size"))?;
        if let httparse::Status::Complete((line, length)) = size {
            connection.take(line);
            return usize::try_from(length).map_err(malformed);
        }
        connection.receive_more().await?;
    }
}

async fn skip_trailers<T: Transport>(connection: &mut Connection<T>) -> io::Result<()> {
    loop {
        let mut trailers = [httparse::EMPTY_HEADER; MOST_TRAILERS];
        let parsed = httparse::parse_headers(connection.received(), &mut trailers).map_err(malformed)?;
        if let httparse::Status::Complete((length, _)) = parsed {
            connection.take(length);
            return Ok(());
        }
        connection.receive_more().await?;
    }
}
