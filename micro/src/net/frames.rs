//! HTTP/2 frames as they arrive, to see floods.

use std::time::Instant;

use super::detect::PREFACE;

/// How many frames that carry nothing a connection may send at once, and again each second.
///
/// Such frames cost the sender next to nothing and us work: `SETTINGS`, `PING`, `RST_STREAM`, `CONTINUATION`,
/// `WINDOW_UPDATE`, `PRIORITY` and empty `DATA`. What we write to the peer earns it more, because replies call for
/// some of them.
pub(super) const BUDGET: u32 = 1_000;

/// The same at the begin of a connection whose address has flooded lately: a caller has earned more after its first
/// replies.
const WARY: u32 = 100;

/// How many bytes that we write earn the peer one frame.
const EARNS: usize = 64;

/// What a frame on the budget costs, in parts of it.
const PRICE: u32 = 4;

/// What a `RST_STREAM` costs: callers may drop many streams, and the begin of an answer pays for that.
const RESET_PRICE: u32 = 1;

/// How many frames on the budget a connection may bring before others have their turn.
const RUN: u32 = 64;

const HEAD: usize = 9;

/// Follows the frames of one connection, in whatever pieces they arrive.
#[derive(Debug)]
pub struct Frames {
    preface_left: usize,
    head: [u8; HEAD],
    held: usize,
    payload_left: usize,
    /// A header block has begun and not ended.
    block_open: bool,
    /// In parts of frames, as they are priced.
    budget: u32,
    filled: Instant,
    /// What was written and earned nothing yet.
    written: usize,
    /// Frames on the budget since the last [`Frames::pause`].
    run: u32,
    /// Frames on the budget that nothing was written for.
    unearned: u32,
}

/// More frames than the budget.
#[derive(Debug, PartialEq, Eq)]
pub struct Flood;

impl Default for Frames {
    fn default() -> Self {
        Self::new()
    }
}

impl Frames {
    /// At the begin of a connection, before its preface.
    pub fn new() -> Self {
        Self {
            preface_left: PREFACE.len(),
            head: [0; HEAD],
            held: 0,
            payload_left: 0,
            block_open: false,
            budget: BUDGET * PRICE,
            filled: Instant::now(),
            written: 0,
            run: 0,
            unearned: 0,
        }
    }

    /// At the begin of a connection from where a flood came lately.
    pub(super) fn wary() -> Self {
        Self { budget: WARY * PRICE, ..Self::new() }
    }

    /// Whether a frame or a header block has begun and not ended.
    pub fn is_partial(&self) -> bool {
        self.preface_left > 0 || self.held > 0 || self.payload_left > 0 || self.block_open
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When there are more frames than the budget.
    pub fn follow(&mut self, mut bytes: &[u8]) -> Result<(), Flood> {
        skip(&mut bytes, &mut self.preface_left);
        loop {
            skip(&mut bytes, &mut self.payload_left);
            if bytes.is_empty() {
                return Ok(());
            }
            let taken = bytes.len().min(HEAD - self.held);
            self.head[self.held..self.held + taken].copy_from_slice(&bytes[..taken]);
            self.held += taken;
            bytes = &bytes[taken..];
            if self.held == HEAD {
                self.held = 0;
                self.frame()?;
            }
        }
    }

    fn frame(&mut self) -> Result<(), Flood> {
        let [l2, l1, l0, kind, flags, ..] = self.head;
        self.payload_left = usize::from(l2) << 16 | usize::from(l1) << 8 | usize::from(l0);
        let (end_stream, end_headers) = (flags & 0x1 != 0, flags & 0x4 != 0);
        match kind {
            // DATA
            0x0 if self.payload_left > 0 || end_stream => Ok(()),
            // HEADERS: bounded by the number of streams.
            0x1 => {
                self.block_open = !end_headers;
                Ok(())
            }
            // RST_STREAM
            0x3 => self.spend(RESET_PRICE),
            // CONTINUATION
            0x9 => {
                self.block_open = !end_headers;
                self.spend(PRICE)
            }
            _ => self.spend(PRICE),
        }
    }

    fn spend(&mut self, price: u32) -> Result<(), Flood> {
        if self.budget < price {
            // The clock is read here only: most connections never get here.
            let now = Instant::now();
            let micros = now.duration_since(self.filled).as_micros().min(1_000_000) as u64;
            self.budget = (micros * u64::from(BUDGET * PRICE) / 1_000_000) as u32;
            self.filled = now;
        }
        self.run += 1;
        self.unearned = self.unearned.saturating_add(1);
        self.budget = self.budget.checked_sub(price).ok_or(Flood)?;
        Ok(())
    }

    /// Whether other connections should have their turn now.
    pub(super) fn pause(&mut self) -> bool {
        let pause = self.run >= RUN;
        if pause {
            self.run = 0;
        }
        pause
    }

    /// Whether this looks like a flood that has begun: it is read in small pieces from then on.
    pub(super) fn is_suspicious(&self) -> bool {
        self.budget < BUDGET * PRICE / 2
    }

    /// Whether most frames so far carried nothing and nothing was written for them: hyper has limits of its own, and
    /// ends some floods before the budget does.
    pub(super) fn is_doubtful(&self) -> bool {
        self.unearned >= RUN
    }

    /// So many bytes were written to the peer.
    pub fn earn(&mut self, written: usize) {
        const PART: usize = EARNS / PRICE as usize;
        self.written += written;
        let parts = u32::try_from(self.written / PART).unwrap_or(BUDGET * PRICE);
        self.written %= PART;
        self.budget = self.budget.saturating_add(parts).min(BUDGET * PRICE);
        let earned = u32::try_from(written / EARNS).unwrap_or(BUDGET);
        self.unearned = self.unearned.saturating_sub(earned);
    }
}

fn skip(bytes: &mut &[u8], left: &mut usize) {
    let skipped = bytes.len().min(*left);
    *left -= skipped;
    *bytes = &bytes[skipped..];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let mut frame = vec![0, (payload >> 8) as u8, payload as u8, kind, flags, 0, 0, 0, 1];
        frame.resize(HEAD + payload, 0xff);
        frame
    }

    fn after_preface() -> Frames {
        let mut frames = Frames::new();
        frames.follow(PREFACE).unwrap();
        assert!(!frames.is_partial());
        frames
    }

    #[test]
    fn floods_of_each_kind_are_seen() {
        for (kind, flags, payload) in [(0x0, 0, 0), (0x3, 0, 4), (0x4, 0, 0), (0x6, 0, 8), (0x8, 0, 4), (0x9, 0, 1)] {
            let mut frames = after_preface();
            let flood = frame(kind, flags, payload).repeat(2 * (BUDGET * PRICE) as usize + 100);
            assert_eq!(frames.follow(&flood), Err(Flood), "kind {kind}");
        }
    }

    #[test]
    fn requests_are_no_flood() {
        let mut frames = after_preface();
        let call = [frame(0x1, 0x4, 30), frame(0x0, 0x1, 100), frame(0x0, 0x1, 0)].concat();
        assert_eq!(frames.follow(&call.repeat(20 * BUDGET as usize)), Ok(()));
    }

    #[test]
    fn what_is_written_earns_frames() {
        let mut frames = after_preface();
        for _ in 0..10 * BUDGET {
            frames.earn(EARNS);
            assert_eq!(frames.follow(&frame(0x6, 0, 8)), Ok(()));
        }
    }

    #[test]
    fn streams_that_are_dropped_after_the_begin_of_their_answer_are_no_flood() {
        let mut frames = after_preface();
        let dropped = [frame(0x1, 0x4, 30), frame(0x0, 0, 7), frame(0x1, 0x5, 3), frame(0x3, 0, 4)].concat();
        for _ in 0..20 * BUDGET {
            // The head of a response.
            frames.earn(HEAD + 7);
            assert_eq!(frames.follow(&dropped), Ok(()));
        }
        assert!(!frames.is_suspicious());
    }

    #[test]
    fn the_pieces_do_not_matter() {
        let bytes =
            [PREFACE.to_vec(), frame(0x4, 0, 6), frame(0x1, 0, 20), frame(0x9, 0x4, 300), frame(0x0, 1, 0)].concat();
        let (mut whole, mut pieces) = (Frames::new(), Frames::new());
        whole.follow(&bytes).unwrap();
        for (at, byte) in bytes.iter().enumerate() {
            assert!(
                at == 0
                    || at == PREFACE.len()
                    || pieces.is_partial()
                    || at == PREFACE.len() + 15
                    || at == bytes.len() - 9
            );
            pieces.follow(&[*byte]).unwrap();
        }
        assert!(!whole.is_partial() && !pieces.is_partial());
        assert_eq!(whole.budget, pieces.budget);
    }
}
