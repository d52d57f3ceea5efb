//! Chance that can be repeated: the same seed, the same throws.

/// A small generator of numbers (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another seed at each run, printed so that a failure can be repeated with `TEST_SEED`.
    pub fn thrown() -> Self {
        let given = std::env::var("TEST_SEED").ok();
        let seed =
            given.map_or_else(fps_sandbox::random::random_seed, |seed| seed.parse().expect("a number"));
        println!("repeat this with TEST_SEED={seed}");
        Self(seed)
    }

    pub fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end` - 1.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.throw() % u64::try_from(end).unwrap()).unwrap()
    }

    pub fn pick<'a, T>(&mut self, things: &'a [T]) -> &'a T {
        &things[self.below(things.len())]
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.throw().to_le_bytes()[0]).collect()
    }

    /// Dice for somebody else, who throws at the same time.
    pub fn split(&mut self) -> Self {
        Self(self.throw())
    }
}
