//! Row numbers, which a counter gives, and ids, which are functions of a row number and a seed.

use crate::ledger::ids::{
    InstrumentId, InstrumentNumber, TokenId, TokenNumber, TransactionId, TransactionNumber,
};
use crate::ledger::time::Timestamp;

/// Makes ids in FPS's form from row numbers, and finds the number in an id. The same seed and number always give the
/// same id, so ids need not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdCodec {
    seed: u64,
}

/// Allocates row numbers, which only grow, and the instants at which transactions count as received.
#[derive(Clone, Debug)]
pub struct IdAllocator {
    codec: IdCodec,
    next: i64,
    /// When the newest transaction was received.
    newest: Timestamp,
}

/// How far new transactions may run ahead of a running clock, in milliseconds. This many transactions that arrive
/// within one millisecond get a millisecond each; further ones share the last.
const LEAD_MILLIS: i64 = 100;
/// How far the newest transaction may be ahead of a running clock, in milliseconds, because the clocks of several
/// sandboxes on one database differ.
const DIFFERENCE_MILLIS: i64 = 1_000;
/// How far transactions may run ahead of a frozen clock: one hour, in milliseconds.
pub(super) const MAX_LEAD_MILLIS: i64 = 60 * 60 * 1_000;

const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// Transaction ids begin with digits, as those of the real service did (13… in 2008, 17… in 2012).
const TRANSACTION_PREFIX: &str = "17";
/// The number of base-36 digits of an id that hold the row number. They come first (after the prefix), so that ids
/// grow.
const NUMBER_DIGITS: usize = 9;
const TRANSACTION_ID_LENGTH: usize = 35;
const TOKEN_ID_LENGTH: usize = 64;

impl IdCodec {
    /// A codec that makes ids from this seed.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The seed.
    pub const fn seed(self) -> u64 {
        self.seed
    }

    /// The id of the transaction in this row: 35 upper-case letters and digits.
    pub fn transaction(self, number: TransactionNumber) -> TransactionId {
        self.made(TRANSACTION_PREFIX, number.0, TRANSACTION_ID_LENGTH).into()
    }

    /// The id of the token in this row: 64 upper-case letters and digits, as the real service gave out.
    pub fn token(self, number: TokenNumber) -> TokenId {
        self.made("", number.0, TOKEN_ID_LENGTH).into()
    }

    /// The id of the instrument in this row, in the form of token ids.
    pub fn instrument(self, number: InstrumentNumber) -> InstrumentId {
        self.made("", number.0, TOKEN_ID_LENGTH).into()
    }

    /// The row number in an id that this codec made; `None` for any other text.
    pub fn number_in(self, id: &str) -> Option<i64> {
        let prefix = match id.len() {
            TRANSACTION_ID_LENGTH => TRANSACTION_PREFIX,
            TOKEN_ID_LENGTH => "",
            _ => return None,
        };
        let digits = id.strip_prefix(prefix)?.get(..NUMBER_DIGITS)?;
        let number = i64::from_str_radix(digits, 36).ok()?;
        (self.made(prefix, number, id.len()) == id).then_some(number)
    }

    /// An id: the prefix, the number, and digits that look random but are a function of seed and number.
    fn made(self, prefix: &str, number: i64, length: usize) -> String {
        let mut id = String::with_capacity(length);
        id.push_str(prefix);
        push_base36(&mut id, number.unsigned_abs(), NUMBER_DIGITS);
        let mut noise = self.seed ^ number.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        while id.len() < length {
            noise = split_mix64(noise);
            let width = (length - id.len()).min(9);
            push_base36(&mut id, noise % 36_u64.pow(9), width);
        }
        id
    }
}

impl IdAllocator {
    /// An allocator whose first number is `next`. The newest transaction so far was received at `newest`.
    pub const fn new(codec: IdCodec, next: i64, newest: Timestamp) -> Self {
        Self { codec, next, newest }
    }

    /// The codec that makes the ids of allocated numbers.
    pub const fn codec(&self) -> IdCodec {
        self.codec
    }

    /// When the newest transaction was received. This may be a little later than the clock shows.
    pub const fn newest(&self) -> Timestamp {
        self.newest
    }

    /// The next unused row number.
    pub fn next_number(&mut self) -> i64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// The number of a new transaction, its id, and the instant at which it counts as received.
    ///
    /// Each transaction gets a millisecond of its own after the one before it, so that a client can page through the
    /// account activity by instants (our choice). On a running clock, transactions that arrive too fast share
    /// milliseconds. When the clock has been set back, the instants go back with it.
    pub fn next_transaction(
        &mut self,
        now: Timestamp,
        is_clock_frozen: bool,
    ) -> (TransactionNumber, TransactionId, Timestamp) {
        let (lead, most) = if is_clock_frozen {
            (MAX_LEAD_MILLIS, MAX_LEAD_MILLIS)
        } else {
            (LEAD_MILLIS, DIFFERENCE_MILLIS)
        };
        // A lead above `most` cannot come from transactions that were received too fast, so the clock has been set
        // back.
        self.newest = if self.newest < now || self.newest > now.plus_millis(most) {
            now
        } else if self.newest < now.plus_millis(lead) {
            self.newest.plus_millis(1)
        } else {
            self.newest
        };
        let number = TransactionNumber(self.next_number());
        (number, self.codec.transaction(number), self.newest)
    }
}

/// Appends the last `width` base-36 digits of a number.
fn push_base36(out: &mut String, number: u64, width: usize) {
    let digit = |place: usize| {
        let shifted = number / 36_u64.pow(u32::try_from(place).unwrap_or(0));
        ALPHABET.get(usize::try_from(shifted % 36).unwrap_or(0)).copied().map_or('0', char::from)
    };
    out.extend((0..width).rev().map(digit));
}

/// One step of SplitMix64: spreads neighbouring numbers far apart.
pub const fn split_mix64(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().into()
    }

    #[test]
    fn ids_have_the_form_of_fps_and_grow_with_their_numbers() {
        let ids = IdCodec::new(7);
        let made: Vec<_> = (0..2_000).map(|number| ids.transaction(TransactionNumber(number))).collect();
        assert!(made.iter().all(|id| id.has_fps_form() && id.as_str().starts_with("17")), "{made:?}");
        assert!(made.is_sorted());
        let made: Vec<_> = (0..2_000).map(|number| ids.token(TokenNumber(number))).collect();
        assert!(made.iter().all(TokenId::has_fps_form) && made.is_sorted(), "{made:?}");
    }

    #[test]
    fn ids_depend_on_seed_and_number_alone() {
        let id = |seed, now| {
            IdAllocator::new(IdCodec::new(seed), 5, Timestamp::MIN).next_transaction(at(now), true).1
        };
        assert_eq!(id(1, "2026-01-01T00:00:00Z"), id(1, "2012-06-07T08:09:10Z"));
        assert_ne!(id(1, "2026-01-01T00:00:00Z"), id(2, "2026-01-01T00:00:00Z"));
    }

    #[test]
    fn the_number_is_found_in_an_id_that_was_made_here_and_in_no_other() {
        let ids = IdCodec::new(7);
        for number in [0, 1, 35, 36, 1_000_000, 36_i64.pow(9) - 1] {
            let (transaction, token) =
                (ids.transaction(TransactionNumber(number)), ids.token(TokenNumber(number)));
            for id in [transaction.as_str(), token.as_str()] {
                assert_eq!(ids.number_in(id), Some(number));
                assert_eq!(IdCodec::new(8).number_in(id), None);
                assert_eq!(ids.number_in(&id.to_lowercase()), None);
                assert_eq!(ids.number_in(&id[1..]), None);
                assert_eq!(ids.number_in(&format!("{id}0")), None);
            }
        }
        for other in ["", "17", "RECIPIENT", "+1", "17+00000001", "é", "17é00000000000000000000000000000000"]
        {
            assert_eq!(ids.number_in(other), None, "{other}");
        }
    }

    #[test]
    fn each_transaction_takes_a_millisecond_of_its_own_and_none_is_before_the_last() {
        let start = at("2026-01-01T00:00:00Z");
        let mut ids = IdAllocator::new(IdCodec::new(1), 1, Timestamp::MIN);
        let mut received = |millis, stands| {
            ids.next_transaction(start.plus_millis(millis), stands).2.millis() - start.millis()
        };
        assert_eq!([0, 0, 0].map(|now| received(now, true)), [0, 1, 2]);
        assert_eq!([1, 5, 4].map(|now| received(now, true)), [3, 5, 6]);
        for _ in 0..LEAD_MILLIS * 2 {
            received(10, false);
        }
        assert_eq!(received(10, false), 10 + LEAD_MILLIS, "a running clock is not left far behind");
        assert_eq!(received(11, true), 10 + LEAD_MILLIS + 1);
    }

    #[test]
    fn a_clock_that_was_set_back_is_followed_and_clocks_that_differ_a_little_are_not() {
        let start = at("2026-01-01T00:00:00Z");
        for stands in [false, true] {
            let mut ids = IdAllocator::new(IdCodec::new(1), 1, start.plus_millis(MAX_LEAD_MILLIS + 1));
            let mut received = || ids.next_transaction(start, stands).2.millis() - start.millis();
            assert_eq!([(); 3].map(|()| received()), [0, 1, 2]);
        }
        let mut ids = IdAllocator::new(IdCodec::new(1), 1, start.plus_millis(DIFFERENCE_MILLIS));
        assert_eq!(ids.next_transaction(start, false).2, start.plus_millis(DIFFERENCE_MILLIS));
    }
}
