//! Random numbers for tests, reproducible by their seed.

pub use rand::{Rng, RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

/// A generator with a new seed, which is printed: run a failing test again with `TEST_SEED` set to it.
pub fn new_rng() -> StdRng {
    let given = std::env::var("TEST_SEED").ok();
    let seed = given.map_or_else(rand::random, |seed| seed.parse().expect("TEST_SEED is a number"));
    println!("repeat this with TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// Random bytes.
pub fn random_bytes(rng: &mut StdRng, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    rng.fill_bytes(&mut bytes);
    bytes
}
