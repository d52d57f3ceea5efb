//! Seeds: the rows with which a world begins. They are read from a TOML file and created by the ledger's operations.

mod builder;
mod error;
mod file;

use crate::ledger::{IdAllocator, Rules, Timestamp};
use crate::store::InitialState;

pub use error::SeedError;

use builder::Builder;
use error::EntryError;
use file::SeedFile;

/// The seed file with which an empty database is filled by default.
pub const DEMO_SEED: &str = include_str!("../../fixtures/demo.toml");

/// A seed file that is parsed, but not built yet.
#[derive(Debug)]
pub struct Seed {
    file: String,
    text: String,
    entries: SeedFile,
}

impl Seed {
    /// Parses the text of a seed file; error messages name `file`.
    pub fn parse(file: &str, text: &str) -> Result<Self, SeedError> {
        let entries = toml::from_str(text).map_err(|error| {
            let problem = error.message().replace('\n', " ");
            SeedError::new(file, text, EntryError { span: error.span().unwrap_or(0..0), problem })
        })?;
        Ok(Self { file: file.to_owned(), text: text.to_owned(), entries })
    }

    /// A seed without entries.
    pub fn empty() -> Self {
        Self { file: String::new(), text: String::new(), entries: SeedFile::default() }
    }

    /// Builds the rows of a world whose clock shows `now`.
    pub fn build(
        &self,
        now: Timestamp,
        rules: &Rules,
        ids: &mut IdAllocator,
    ) -> Result<InitialState, SeedError> {
        let builder = Builder::new(now, rules, ids);
        builder.build(&self.entries).map_err(|error| SeedError::new(&self.file, &self.text, error))
    }
}

#[cfg(test)]
mod tests {
    use crate::ledger::{Amount, FeeTable, IdCodec};

    use super::*;

    fn build(text: &str) -> Result<InitialState, SeedError> {
        let rules = Rules {
            fees: FeeTable::new(&FeeTable::default_rules()).unwrap(),
            cc_delay_millis: 1_000,
            ach_delay_millis: 1_000,
            max_amount: Amount::from_micros(10_000_000_000),
            magic: false,
        };
        Seed::parse("seed.toml", text)?.build(
            Timestamp::from_millis(0),
            &rules,
            &mut IdAllocator::new(IdCodec::new(1), 1, Timestamp::MIN),
        )
    }

    const ACCOUNTS: &str = "[[account]]\nname = 'shop'\nemail = 'shop@example.com'\n\
        [[account]]\nname = 'buyer'\nemail = 'buyer@example.com'\nkind = 'personal'\nbalance = '10.00'\n";

    #[test]
    fn the_demo_world_is_sound() {
        let initial = build(DEMO_SEED).unwrap();
        assert!(!initial.keys.is_empty());
        assert!(!initial.book.changes().postings.is_empty());
    }

    #[test]
    fn mistakes_name_their_line() {
        for (entry, line, problem) in [
            (
                "[[token]]\nid = 'T'\nsender = 'nobody'\ncaller = 'shop'\nmethod = 'CC'\n",
                11,
                "there is no account `nobody`",
            ),
            (
                "[[token]]\nid = 'T'\nsender = 'buyer'\ncaller = 'shop'\nmethod = 'Cash'\n",
                13,
                "`Cash` is no payment method; use ABT, CC or ACH",
            ),
            (
                "[[token]]\nid = 'T'\nsender = 'buyer'\ncaller = 'shop'\n",
                10,
                "the token needs a `method`: ABT, CC or ACH",
            ),
            ("[[token]]\nid = 'T'\ncharges = 'I'\n", 11, "there is no instrument `I`"),
            ("[[payment]]\ntoken = 'T'\namount = '1.00'\n", 10, "there is no token `T`"),
            ("[[account]]\nname = 'shop'\nemail = 'x@example.com'\n", 10, "there are two accounts `shop`"),
            (
                "[[account]]\nname = 'a'\nemail = 'Buyer@Example.com'\n",
                11,
                "there are two accounts with the address `Buyer@Example.com`",
            ),
            (
                "[[account]]\nname = 'a'\nemail = 'x@example.com'\nbalance = '-1'\n",
                12,
                "an amount must be dollars above zero with at most two decimals",
            ),
            (
                "[[token]]\nid = 'T'\nvalid_from = 2012-06-01\n",
                11,
                "`2012-06-01` is no instant; write for example 2012-06-01T12:00:00Z",
            ),
            (
                "[[acount]]\nname = 'a'\n",
                9,
                "unknown field `acount`, expected one of `account`, `credit_instrument`, `prepaid_instrument`, `token`, `payment`, `subscription`",
            ),
        ] {
            let error = build(&format!("{ACCOUNTS}{entry}")).unwrap_err();
            assert_eq!((error.line, error.problem.as_str()), (line, problem), "{entry}");
        }
    }

    #[test]
    fn a_payment_that_fps_would_refuse_is_refused_with_its_reason() {
        let text = format!(
            "{ACCOUNTS}[[token]]\nid = 'T'\nsender = 'buyer'\ncaller = 'shop'\nmethod = 'ABT'\n\
             [[payment]]\ntoken = 'T'\namount = '11.00'\n"
        );
        let error = build(&text).unwrap_err();
        assert!(
            error.to_string().starts_with("seed.toml, line 15: the payment is refused: InsufficientBalance"),
            "{error}"
        );
    }
}
