//! Magic values: token ids and amounts that force errors, as the real sandbox had them (guide: Testing Applications
//! in the Sandbox).

use crate::error::{Code, FpsError};
use crate::ledger::amount::Amount;
use crate::ledger::ids::TokenId;
use crate::ledger::schedule::StepKind;

/// A token id that forces the error of an account that cannot take part.
#[derive(Clone, Copy, Debug)]
pub struct MagicToken {
    /// The id.
    pub id: &'static str,
    /// The request parameter in which it has this effect.
    pub parameter: &'static str,
    /// The account that it stands for, in words.
    pub stands_for: &'static str,
    /// The error it forces.
    pub forces: Code,
}

const fn sender(id: &'static str, stands_for: &'static str) -> MagicToken {
    MagicToken { id, parameter: "SenderTokenId", stands_for, forces: Code::InvalidAccountState_Sender }
}

const fn recipient(id: &'static str, stands_for: &'static str) -> MagicToken {
    MagicToken { id, parameter: "RecipientTokenId", stands_for, forces: Code::InvalidAccountState_Recipient }
}

/// Every magic token id.
pub const TOKENS: &[MagicToken] = &[
    sender(
        "E3FR7BARJV3PB631PMKV74PGKCJLBHI1Q1KMQN7BJ2JJICPDKN3N1CJIKFZ8D7NN",
        "a sender whose e-mail is not verified",
    ),
    sender("H216UECZ8ZM1G8G4QA3V7RKF8JDFZ9SI3SJAFSGUKBBNDHX1NVM8GUQRZNRNAHER", "a suspended sender"),
    sender("Z1LGRXR4HMDZBSFKXELA32KZASGWD8IHMHZCK4DETR784LDLD1GMFW4P3WT8VTGX", "a closed sender account"),
    recipient(
        "C4LGSEMXN11FTUXZ2X2C7QVFHN5DVBGQJNF17AIQXXXQSX4DRG4KJFCN2KRFUUZI",
        "a recipient whose e-mail is not verified",
    ),
    recipient("R3VK49XVGCAZTJSXKN7ZSBHPMFGKM5VEEQTXGMVE8CFUZ2G5RLLMAB4J6TQRL6BU", "a suspended recipient"),
    recipient(
        "P1LL7A1LHK935DBGI5NAYCXOCLVEBHBNIU7PBXBAMRKKNLDEPI8M3MUSLZT2VANZ",
        "a closed recipient account",
    ),
];

/// A class of amounts, given by their first decimal, that a card or a bank declines.
#[derive(Clone, Copy, Debug)]
pub struct MagicAmount {
    /// The first decimal of the amount in dollars: 6 for N.60 to N.69.
    pub first_decimal: i64,
    /// What happens, in words.
    pub forces: &'static str,
    /// The scheduled step that it leads to.
    pub step: StepKind,
}

/// Every class of magic amounts. They have an effect where a card or a bank is charged: Pay, Reserve, FundPrepaid,
/// SettleDebt.
pub const AMOUNTS: &[MagicAmount] = &[
    MagicAmount {
        first_decimal: 6,
        forces: "Pending, then Failure: declined for now",
        step: StepKind::Decline,
    },
    MagicAmount {
        first_decimal: 7,
        forces: "Pending, then Failure: insufficient funds",
        step: StepKind::LackFunds,
    },
];

/// The error that a token id forces in this parameter.
pub(in crate::ledger) fn forced_by_token(parameter: &str, id: &TokenId) -> Option<FpsError> {
    let magic = TOKENS.iter().find(|magic| magic.parameter == parameter && magic.id == id.as_str())?;
    let text = format!(
        "{} (This is a magic token id: it stands for {}.)",
        magic.forces.definition().message,
        magic.stands_for
    );
    Some(FpsError::new(magic.forces, text))
}

/// The step that an amount forces for a charge by card or bank.
pub(in crate::ledger) fn forced_by_amount(amount: Amount) -> Option<StepKind> {
    let first_decimal = amount.micros() / 100_000 % 10;
    AMOUNTS.iter().find(|magic| magic.first_decimal == first_decimal).map(|magic| magic.step)
}
