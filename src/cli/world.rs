//! What the command line knows by name of the demo world (`fixtures/demo.toml`, and `fixtures/story.toml` for the
//! demo): the documentation's ids.

use crate::signature::{Hash, Scheme, SecretKey};

use super::request::Signer;

/// The version of the API that the documentation describes.
pub(super) const VERSION: &str = "2008-09-17";
/// The documentation's access key.
pub(super) const KEY: &str = "AKIAIOSFODNN7EXAMPLE";
/// Its secret, as public as the documentation.
pub(super) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// The credit instrument on which Alice owes.
pub(super) const INSTRUMENT: &str = "553IBMFCG7Z8J4D1H7BB3HMNPFQQUPVUNT8RHCT1AXDJNXE6LJZ4KSKU2PI1TTIG";
/// The token that makes debt on it.
pub(super) const CREDIT: &str = "563ICMBCGPZDJ4E1F7BL3UMNXFKQUKVWNT8RDCTSALDJWXH6LUZNKSHUFPIGTTIC";
/// The token that settles it.
pub(super) const SETTLEMENT: &str = "543IJMECGZZ3J4K1F7BJ3TMNXFBQU9VXNT7RRCTNAJDJ8X36L1ZRKSUUPPIBTTIK";

/// The world of `fps-sandbox demo`: the demo world before Alice has bought anything.
pub(super) const STORY: &str = include_str!("../../fixtures/story.toml");

/// Signs with the documentation's key by the rules that FPS recommends.
pub(super) fn signer() -> Signer {
    Signer {
        key: KEY.to_owned(),
        secret: SecretKey::new(SECRET),
        scheme: Scheme::V2(Hash::Sha256),
        version: VERSION.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use crate::seed;

    use super::*;

    #[test]
    fn the_worlds_hold_what_is_named_here() {
        for world in [seed::DEMO_SEED, STORY] {
            for name in [KEY, SECRET, INSTRUMENT, CREDIT, SETTLEMENT] {
                assert!(world.contains(&format!("\"{name}\"")), "{name}");
            }
        }
    }
}
