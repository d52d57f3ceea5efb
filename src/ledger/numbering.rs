//! Where numbers and transaction ids come from: a counter and a seed, no hidden state.

use chrono::Datelike;

use super::names::{InstrumentId, TokenId, TransactionId, TransactionNumber};
use super::time::Timestamp;

/// Hands out row numbers, which only grow, and makes ids in FPS's form from them.
#[derive(Clone, Debug)]
pub struct Numbering {
    seed: u64,
    next: i64,
    /// When the newest transaction was received.
    newest: Timestamp,
}

/// How far transactions may run ahead of a clock that runs, in milliseconds: so many of one millisecond get one each.
const LEAD_MILLIS: i64 = 100;
/// How far the newest transaction may lie ahead of a clock that runs, because clocks of sandboxes differ.
const DIFFERENCE_MILLIS: i64 = 1_000;
/// How far transactions may run ahead of a clock that stands.
pub(super) const MOST_LEAD_MILLIS: i64 = 60 * 60 * 1_000;

const ALPHABET: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

impl Numbering {
    /// Numbers from `next` on, the newest transaction having been received at `newest`. The same seed gives the same ids
    /// for the same numbers and instants.
    pub const fn new(seed: u64, next: i64, newest: Timestamp) -> Self {
        Self { seed, next, newest }
    }

    /// Goes on from this number and instant: others have handed out those before it.
    pub fn go_on_from(&mut self, next: i64, newest: Timestamp) {
        (self.next, self.newest) = (next, newest);
    }

    /// When the newest transaction was received; it may be a little later than the clock shows.
    pub const fn newest(&self) -> Timestamp {
        self.newest
    }

    /// A number nothing has yet.
    pub fn number(&mut self) -> i64 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// The number of a new transaction, its id, and the instant at which it counts as received.
    ///
    /// Each transaction takes a millisecond of its own after the one before it, so that a client can page through the
    /// account activity by instants (our choice). While the clock runs, transactions share milliseconds when they come too
    /// fast. A clock that was set back is followed.
    pub fn transaction(
        &mut self,
        now: Timestamp,
        clock_stands: bool,
    ) -> (TransactionNumber, TransactionId, Timestamp) {
        let (lead, most) = if clock_stands {
            (MOST_LEAD_MILLIS, MOST_LEAD_MILLIS)
        } else {
            (LEAD_MILLIS, DIFFERENCE_MILLIS)
        };
        self.newest = if self.newest < now || self.newest > now.plus_millis(most) {
            now
        } else if self.newest < now.plus_millis(lead) {
            self.newest.plus_millis(1)
        } else {
            self.newest
        };
        let number = self.number();
        (TransactionNumber(number), self.transaction_id(number, self.newest), self.newest)
    }

    /// The id of a new token in this row: 64 upper-case letters and digits, as the real service gave out.
    pub fn token_id(&self, number: i64) -> TokenId {
        let mut id = String::with_capacity(64);
        push_base36(&mut id, number.unsigned_abs(), 9);
        self.push_noise(&mut id, number, 64);
        id.into()
    }

    /// The id of a new instrument in this row: of the same form.
    pub fn instrument_id(&self, number: i64) -> InstrumentId {
        self.token_id(number).as_str().into()
    }

    /// 35 upper-case letters and digits that begin with two digits growing with the year, as ids of the real
    /// service did (13… in 2008, 17… in 2012), go on with the instant and the number, and end in noise.
    fn transaction_id(&self, number: i64, now: Timestamp) -> TransactionId {
        let date = now.to_datetime();
        let mut id = String::with_capacity(35);
        let decade = date.year().rem_euclid(100) + 5;
        id.push(char::from(b'0' + u8::try_from(decade / 10 % 10).unwrap_or(0)));
        id.push(char::from(b'0' + u8::try_from(decade % 10).unwrap_or(0)));
        let millis_of_year =
            u64::from(date.ordinal0()) * 86_400_000 + now.millis().rem_euclid(86_400_000).unsigned_abs();
        push_base36(&mut id, millis_of_year, 7);
        push_base36(&mut id, number.unsigned_abs(), 9);
        self.push_noise(&mut id, number, 35);
        id.into()
    }

    /// Fills an id up with what looks like chance and is a function of seed and number.
    fn push_noise(&self, id: &mut String, number: i64, length: usize) {
        let mut noise = self.seed ^ number.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        while id.len() < length {
            noise = mix(noise);
            let width = (length - id.len()).min(9);
            push_base36(id, noise % 36_u64.pow(9), width);
        }
    }
}

/// Appends the last `width` digits of a number.
fn push_base36(out: &mut String, number: u64, width: usize) {
    let digit = |place: usize| {
        let shifted = number / 36_u64.pow(u32::try_from(place).unwrap_or(0));
        ALPHABET.get(usize::try_from(shifted % 36).unwrap_or(0)).copied().map_or('0', char::from)
    };
    out.extend((0..width).rev().map(digit));
}

/// One step of SplitMix64: spreads neighbouring numbers far apart.
fn mix(state: u64) -> u64 {
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
    fn transaction_ids_have_the_form_of_fps_and_grow_with_time() {
        let mut numbering = Numbering::new(7, 1, Timestamp::MIN);
        let (_, first, _) = numbering.transaction(at("2009-10-07T11:44:48Z"), true);
        let (_, second, _) = numbering.transaction(at("2009-10-07T11:44:48Z"), true);
        let (_, third, _) = numbering.transaction(at("2012-10-07T11:44:48Z"), true);
        assert!(first.has_fps_form() && first.as_str().starts_with("14"), "{first}");
        assert!(third.as_str().starts_with("17"), "{third}");
        assert!(first < second && second < third);
    }

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        let now = at("2026-01-01T00:00:00Z");
        let id = |seed| Numbering::new(seed, 5, Timestamp::MIN).transaction(now, true).1;
        assert_eq!(id(1), id(1));
        assert_ne!(id(1), id(2));
    }

    #[test]
    fn each_transaction_takes_a_millisecond_of_its_own_and_none_is_before_the_last() {
        let start = at("2026-01-01T00:00:00Z");
        let mut numbering = Numbering::new(1, 1, Timestamp::MIN);
        let mut received = |millis, stands| {
            numbering.transaction(start.plus_millis(millis), stands).2.millis() - start.millis()
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
            let mut numbering = Numbering::new(1, 1, start.plus_millis(MOST_LEAD_MILLIS + 1));
            let mut received = || numbering.transaction(start, stands).2.millis() - start.millis();
            assert_eq!([(); 3].map(|()| received()), [0, 1, 2]);
        }
        let mut numbering = Numbering::new(1, 1, start.plus_millis(DIFFERENCE_MILLIS));
        assert_eq!(numbering.transaction(start, false).2, start.plus_millis(DIFFERENCE_MILLIS));
    }
}
