//! The ids of the demo world that the command line uses: those of FPS's documentation. The demo world is
//! `fixtures/demo.toml`, and for `fps-sandbox demo` `fixtures/story.toml`.

use crate::signature::{Hash, Scheme, SecretKey};

use super::signer::Signer;

/// The API version of FPS's documentation.
pub(super) const API_VERSION: &str = "2008-09-17";
/// The example access key of AWS's documentation.
pub(super) const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
/// The secret key of the example, which is public.
pub(super) const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// Alice's credit instrument.
pub(super) const CREDIT_INSTRUMENT: &str = "553IBMFCG7Z8J4D1H7BB3HMNPFQQUPVUNT8RHCT1AXDJNXE6LJZ4KSKU2PI1TTIG";
/// The token that pays on credit, from that instrument.
pub(super) const CREDIT_TOKEN: &str = "563ICMBCGPZDJ4E1F7BL3UMNXFKQUKVWNT8RDCTSALDJWXH6LUZNKSHUFPIGTTIC";
/// The token that settles the debt.
pub(super) const SETTLEMENT_TOKEN: &str = "543IJMECGZZ3J4K1F7BJ3TMNXFBQU9VXNT7RRCTNAJDJ8X36L1ZRKSUUPPIBTTIK";

/// The seed of `fps-sandbox demo`: the demo world before Alice has bought anything.
pub(super) const STORY_SEED: &str = include_str!("../../fixtures/story.toml");

/// Signs with the example key, by signature version 2 and HmacSHA256 as FPS recommends.
pub(super) fn signer() -> Signer {
    Signer {
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SecretKey::new(SECRET_KEY),
        scheme: Scheme::V2(Hash::Sha256),
        api_version: API_VERSION.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::seed;

    use super::*;

    #[test]
    fn the_worlds_hold_what_is_named_here() {
        for world in [seed::DEMO_SEED, STORY_SEED] {
            for name in [ACCESS_KEY, SECRET_KEY, CREDIT_INSTRUMENT, CREDIT_TOKEN, SETTLEMENT_TOKEN] {
                assert!(world.contains(&format!("\"{name}\"")), "{name}");
            }
        }
    }
}
