//! The posting rules: the postings of each operation in each status, here called lines (our choice).
//!
//! The lines of a transaction in a status sum to zero. Lines on the same ledger account are added up when they are
//! written. The lines of `Pending` and `Reserved` are holds, which the next change of status reverses.

use crate::ledger::amount::Amount;
use crate::ledger::ids::{AccountNumber, InstrumentNumber};
use crate::ledger::journal::LedgerAccount;
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::transaction::status::Status;
use crate::ledger::transaction::{ChargeFeeTo, Operation, Transaction};

/// Postings before they are numbered: ledger accounts, and the amounts to add to their totals.
pub(in crate::ledger) type UnnumberedPostings = Vec<(LedgerAccount, Amount)>;

/// The lines with opposite signs. They cancel the given ones.
pub(in crate::ledger) fn reversed(lines: UnnumberedPostings) -> UnnumberedPostings {
    lines.into_iter().map(|(account, amount)| (account, -amount)).collect()
}

/// The lines of a transaction in this status: what it holds, or what it effects when it has succeeded.
pub(in crate::ledger) fn lines_in_status(transaction: &Transaction, status: Status) -> UnnumberedPostings {
    match status {
        Status::Pending => pending(transaction),
        Status::Reserved => reserved(transaction),
        Status::Success => done(transaction),
        Status::Failure | Status::Cancelled => UnnumberedPostings::new(),
    }
}

/// The lines while a card or a bank has not answered.
///
/// Each hold stands for the effect of a success: money in flight for what the parties will receive, and for
/// SettleDebt and FundPrepaid the debt or credit in question. A settlement takes its amount from the debt at once, so
/// that no second one can settle it.
fn pending(transaction: &Transaction) -> UnnumberedPostings {
    let amount = transaction.charged();
    let Some(clearing) = LedgerAccount::clearing(transaction.method) else {
        return UnnumberedPostings::new();
    };
    // A refund takes the money from the parties that received it when it is accepted: they must not spend it while
    // the card has not answered.
    if transaction.operation == Operation::Refund {
        let mut lines = shares(transaction, LedgerAccount::balance);
        lines.push((LedgerAccount::fees(), transaction.progress.fee));
        lines.push((LedgerAccount::outgoing(transaction.sender), amount));
        return lines;
    }
    // A new reservation holds nothing before the card has answered. Once it is settled, it is charged like a payment.
    if transaction.operation == Operation::Reserve && transaction.progress.settled.is_none() {
        return UnnumberedPostings::new();
    }
    let mut lines = UnnumberedPostings::new();
    for (party, share) in party_amounts(transaction) {
        // A party whose fee exceeds its share loses by the payment. It pays at once, so that it cannot spend the fee
        // meanwhile.
        let account =
            if share < Amount::ZERO { LedgerAccount::balance(party) } else { LedgerAccount::incoming(party) };
        lines.extend([(account, share), (clearing, -share)]);
    }
    match (transaction.operation, transaction.instrument) {
        (Operation::SettleDebt, Some(instrument)) => lines.extend([
            (LedgerAccount::debt(instrument), -amount),
            (LedgerAccount::debt_pending(instrument), amount),
            (LedgerAccount::credit_extended(transaction.caller), amount),
            (LedgerAccount::credit_extended_pending(transaction.caller), -amount),
        ]),
        (Operation::FundPrepaid, Some(instrument)) => lines.extend([
            (LedgerAccount::prepaid_pending(instrument), amount),
            (LedgerAccount::prepaid_liability_pending(transaction.recipient), -amount),
        ]),
        _ => {}
    }
    lines
}

/// The lines while a card holds the money of a reservation. It holds the whole amount, even if less is settled in the
/// end.
fn reserved(transaction: &Transaction) -> UnnumberedPostings {
    let Some(clearing) = LedgerAccount::clearing(transaction.method) else {
        return UnnumberedPostings::new();
    };
    let amount = transaction.amount;
    vec![(LedgerAccount::reserved(transaction.recipient), amount), (clearing, -amount)]
}

/// The lines of a transaction that has succeeded.
fn done(transaction: &Transaction) -> UnnumberedPostings {
    let amount = transaction.charged();
    match transaction.operation {
        Operation::Pay => match (transaction.method, transaction.instrument) {
            (PaymentMethod::Debt, Some(instrument)) => owe(instrument, transaction.caller, amount),
            (PaymentMethod::Prepaid, Some(instrument)) => spend(instrument, transaction.recipient, amount),
            _ => money(transaction),
        },
        Operation::Reserve | Operation::DepositFunds => money(transaction),
        Operation::SettleDebt => {
            let owed = transaction.instrument.map(|instrument| owe(instrument, transaction.caller, -amount));
            money(transaction).into_iter().chain(owed.into_iter().flatten()).collect()
        }
        Operation::FundPrepaid => {
            let paid =
                transaction.instrument.map(|instrument| spend(instrument, transaction.recipient, -amount));
            money(transaction).into_iter().chain(paid.into_iter().flatten()).collect()
        }
        Operation::WriteOffDebt => {
            transaction.instrument.map_or_else(UnnumberedPostings::new, |instrument| {
                vec![
                    (LedgerAccount::debt(instrument), -amount),
                    (LedgerAccount::write_offs(transaction.caller), amount),
                ]
            })
        }
        Operation::Refund => match (transaction.method, transaction.instrument) {
            (PaymentMethod::Debt, Some(instrument)) => owe(instrument, transaction.caller, -amount),
            (PaymentMethod::Prepaid, Some(instrument)) => spend(instrument, transaction.sender, -amount),
            _ => money(transaction),
        },
    }
}

/// Debt rises by `amount`, and with it the credit that the creditor has given. A negative amount lowers both.
fn owe(instrument: InstrumentNumber, creditor: AccountNumber, amount: Amount) -> UnnumberedPostings {
    vec![(LedgerAccount::debt(instrument), amount), (LedgerAccount::credit_extended(creditor), -amount)]
}

/// The balance of a prepaid instrument falls by `amount`, and with it what the issuer owes. A negative amount raises
/// both.
fn spend(instrument: InstrumentNumber, issuer: AccountNumber, amount: Amount) -> UnnumberedPostings {
    vec![(LedgerAccount::prepaid(instrument), -amount), (LedgerAccount::prepaid_liability(issuer), amount)]
}

/// Money moves from the sender to everyone who has a share, or in a refund back to the sender of the payment.
///
/// The other side of the shares is an `outside` account for cards and banks, and the balance of the payer for all
/// else.
fn money(transaction: &Transaction) -> UnnumberedPostings {
    let outside = transaction
        .waits_for()
        .or_else(|| (transaction.operation == Operation::DepositFunds).then_some(transaction.method))
        .and_then(LedgerAccount::outside);
    let (payer, paid) = match transaction.operation {
        Operation::Refund => (transaction.recipient, transaction.amount),
        _ => (transaction.sender, -transaction.charged()),
    };
    let mut lines = shares(transaction, LedgerAccount::balance);
    lines.push((LedgerAccount::fees(), transaction.progress.fee));
    lines.push((outside.unwrap_or(LedgerAccount::balance(payer)), paid));
    lines
}

fn shares(transaction: &Transaction, account: impl Fn(AccountNumber) -> LedgerAccount) -> UnnumberedPostings {
    party_amounts(transaction).into_iter().map(|(party, share)| (account(party), share)).collect()
}

/// The share of each party but the payer. The merchant gets the amount less the marketplace fee, and the caller gets
/// the marketplace fee. FPS's fee is taken from the share of the party that pays it. In a refund the sender takes the
/// place of the merchant, and all amounts have the opposite sign.
pub(in crate::ledger) fn party_amounts(transaction: &Transaction) -> Vec<(AccountNumber, Amount)> {
    let (merchant, amount) = match transaction.operation {
        Operation::Refund => (transaction.sender, -transaction.amount),
        _ => (transaction.recipient, transaction.charged()),
    };
    let (fee, marketplace_fee) = (transaction.progress.fee, transaction.progress.marketplace_fee);
    let (merchant_pays, caller_pays) = match transaction.charge_fee_to {
        ChargeFeeTo::Recipient => (fee, Amount::ZERO),
        ChargeFeeTo::Caller => (Amount::ZERO, fee),
    };
    // One line, not two: a caller that pays itself a marketplace fee neither gains nor loses by it.
    if merchant == transaction.caller {
        return vec![(merchant, amount - fee)];
    }
    vec![
        (merchant, amount - marketplace_fee - merchant_pays),
        (transaction.caller, marketplace_fee - caller_pays),
    ]
}
