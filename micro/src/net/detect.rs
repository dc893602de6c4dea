//! HTTP/1 or HTTP/2, by the first bytes.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// What an HTTP/2 client with prior knowledge sends first.
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The first bytes of a connection, to be read again by what serves it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Start {
    bytes: [u8; PREFACE.len()],
    length: usize,
}

impl Start {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    /// Whether it is HTTP/2; `None` when more bytes have to tell.
    fn is_http2(&self) -> Option<bool> {
        match PREFACE.starts_with(self.bytes()) {
            false => Some(false),
            true if self.length == PREFACE.len() => Some(true),
            true => None,
        }
    }
}

/// Reads until HTTP/1 and HTTP/2 can be told apart: one byte does for all but `P…`. `None` when the peer closed first.
pub(super) async fn sniff(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(Start, bool)>> {
    let mut start = Start::default();
    loop {
        let read = io.read(&mut start.bytes[start.length..]).await?;
        if read == 0 {
            return Ok((start.length > 0).then_some((start, false)));
        }
        start.length += read;
        if let Some(http2) = start.is_http2() {
            return Ok(Some((start, http2)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_preface_is_recognised_in_pieces() {
        use tokio::io::AsyncWriteExt;
        let (mut near, mut far) = tokio::io::duplex(1);
        tokio::spawn(async move { far.write_all(PREFACE).await });
        let (start, http2) = sniff(&mut near).await.unwrap().unwrap();
        assert!(http2);
        assert_eq!(start.bytes(), PREFACE);
    }

    #[tokio::test]
    async fn a_request_and_a_short_preface_are_http1() {
        for (bytes, expected) in [(&b"POST / HTTP/1.1\r\n"[..], true), (b"PRI * HT", true), (b"", false)] {
            let found = sniff(&mut &bytes[..]).await.unwrap();
            assert_eq!(found.is_some(), expected);
            assert!(found.is_none_or(|(start, http2)| !http2 && bytes.starts_with(start.bytes())));
        }
    }
}
