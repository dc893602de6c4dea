//! HTTP/2 by hand: frames as a hostile peer would send them.

use crate::wire::Raw;

/// What a client with prior knowledge sends first.
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Kinds of frames.
pub const DATA: u8 = 0x0;
/// The begin of a request.
pub const HEADERS: u8 = 0x1;
/// The end of a stream by force.
pub const RST_STREAM: u8 = 0x3;
/// Settings, or their acknowledgement.
pub const SETTINGS: u8 = 0x4;
/// A question whether the peer lives.
pub const PING: u8 = 0x6;
/// The end of the connection.
pub const GOAWAY: u8 = 0x7;
/// More room for data.
pub const WINDOW_UPDATE: u8 = 0x8;
/// More of a header block.
pub const CONTINUATION: u8 = 0x9;

/// Flags of frames.
pub const END_STREAM: u8 = 0x1;
/// The header block is whole.
pub const END_HEADERS: u8 = 0x4;

/// A frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut frame = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend_from_slice(payload);
    frame
}

/// A header block of literals without an index.
pub fn block(headers: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in headers {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127, "short enough for one byte of length");
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

/// The header block of `POST` to a path.
pub fn post(path: &str) -> Vec<u8> {
    block(&[(":method", "POST"), (":scheme", "http"), (":authority", "a"), (":path", path)])
}

/// A request on a stream.
pub fn request(stream: u32, path: &str, body: &[u8]) -> Vec<u8> {
    let head = frame(HEADERS, END_HEADERS, stream, &post(path));
    [head, frame(DATA, END_STREAM, stream, body)].concat()
}

/// A frame as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Its kind.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream.
    pub stream: u32,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// Connects and shakes hands.
pub async fn connect(port: u16) -> Raw {
    let mut raw = Raw::connect(port).await;
    raw.send([PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).await;
    loop {
        let came = next(&mut raw).await.expect("settings");
        if came.kind == SETTINGS && came.flags == 0 {
            raw.send(frame(SETTINGS, 1, 0, &[])).await;
            return raw;
        }
    }
}

/// The next frame; `None` at the end of the connection.
pub async fn next(raw: &mut Raw) -> Option<Frame> {
    let head = raw.take(9).await?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    let payload = raw.take(length as usize).await?;
    Some(Frame { kind: head[3], flags: head[4], stream, payload })
}

/// Reads until a frame of this kind.
pub async fn until(raw: &mut Raw, kind: u8) -> Option<Frame> {
    loop {
        let came = next(raw).await?;
        if came.kind == kind {
            return Some(came);
        }
    }
}
