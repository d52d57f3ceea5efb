//! The postings of each operation: the whole bookkeeping in one place (our choice).
//!
//! Every function gives lines that sum to zero; lines on the same account are added up when they are written.

use crate::ledger::amount::Amount;
use crate::ledger::ids::{AccountNumber, InstrumentNumber};
use crate::ledger::journal::LedgerAccount;
use crate::ledger::payment_method::PaymentMethod;
use crate::ledger::transaction::status::Status;
use crate::ledger::transaction::{ChargeFeeTo, Operation, Transaction};

/// Lines of the journal, not yet numbered.
pub(in crate::ledger) type JournalLines = Vec<(LedgerAccount, Amount)>;

/// The same lines with their signs turned: what takes them back.
pub(in crate::ledger) fn reversed(lines: JournalLines) -> JournalLines {
    lines.into_iter().map(|(account, amount)| (account, -amount)).collect()
}

/// While a transaction is in this status: what is held, or what it effects once it is done.
pub(in crate::ledger) fn lines_in_status(transaction: &Transaction, status: Status) -> JournalLines {
    match status {
        Status::Pending => pending(transaction),
        Status::Reserved => reserved(transaction),
        Status::Success => done(transaction),
        Status::Failure | Status::Cancelled => JournalLines::new(),
    }
}

/// While a card or a bank has not answered: money in flight, and debt or credit set aside.
fn pending(transaction: &Transaction) -> JournalLines {
    let amount = transaction.charged();
    let Some(clearing) = LedgerAccount::clearing(transaction.method) else {
        return JournalLines::new();
    };
    if transaction.operation == Operation::Refund {
        let mut lines = shares(transaction, LedgerAccount::balance);
        lines.push((LedgerAccount::fees(), transaction.progress.fee));
        lines.push((LedgerAccount::outgoing(transaction.sender), amount));
        return lines;
    }
    if transaction.operation == Operation::Reserve && transaction.progress.settled.is_none() {
        return JournalLines::new();
    }
    let mut lines = JournalLines::new();
    for (party, share) in parties(transaction) {
        // A party that loses by the payment, because its fee is more than its share, pays at once.
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

/// While a card holds money for a reservation.
fn reserved(transaction: &Transaction) -> JournalLines {
    let Some(clearing) = LedgerAccount::clearing(transaction.method) else {
        return JournalLines::new();
    };
    let amount = transaction.amount;
    vec![(LedgerAccount::reserved(transaction.recipient), amount), (clearing, -amount)]
}

/// Once a transaction is done.
fn done(transaction: &Transaction) -> JournalLines {
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
        Operation::WriteOffDebt => transaction.instrument.map_or_else(JournalLines::new, |instrument| {
            vec![
                (LedgerAccount::debt(instrument), -amount),
                (LedgerAccount::write_offs(transaction.caller), amount),
            ]
        }),
        Operation::Refund => match (transaction.method, transaction.instrument) {
            (PaymentMethod::Debt, Some(instrument)) => owe(instrument, transaction.caller, -amount),
            (PaymentMethod::Prepaid, Some(instrument)) => spend(instrument, transaction.sender, -amount),
            _ => money(transaction),
        },
    }
}

/// Debt rises, and the credit extended with it.
fn owe(instrument: InstrumentNumber, creditor: AccountNumber, amount: Amount) -> JournalLines {
    vec![(LedgerAccount::debt(instrument), amount), (LedgerAccount::credit_extended(creditor), -amount)]
}

/// Money paid in advance falls, and what the issuer owes for it.
fn spend(instrument: InstrumentNumber, issuer: AccountNumber, amount: Amount) -> JournalLines {
    vec![(LedgerAccount::prepaid(instrument), -amount), (LedgerAccount::prepaid_liability(issuer), amount)]
}

/// Money moves: out of the sender, or back to him, and to or from everyone who has a share.
fn money(transaction: &Transaction) -> JournalLines {
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

fn shares(transaction: &Transaction, account: impl Fn(AccountNumber) -> LedgerAccount) -> JournalLines {
    parties(transaction).into_iter().map(|(party, share)| (account(party), share)).collect()
}

/// What each party but the payer gets: the merchant the amount less fees, the caller his own fee, and FPS's fee
/// from whoever pays it. A refund is the same with its signs turned, the merchant being its sender.
pub(in crate::ledger) fn parties(transaction: &Transaction) -> Vec<(AccountNumber, Amount)> {
    let (merchant, amount) = match transaction.operation {
        Operation::Refund => (transaction.sender, -transaction.amount),
        _ => (transaction.recipient, transaction.charged()),
    };
    let (fee, marketplace_fee) = (transaction.progress.fee, transaction.progress.marketplace_fee);
    let (merchant_pays, caller_pays) = match transaction.charge_fee_to {
        ChargeFeeTo::Recipient => (fee, Amount::ZERO),
        ChargeFeeTo::Caller => (Amount::ZERO, fee),
    };
    if merchant == transaction.caller {
        return vec![(merchant, amount - fee)];
    }
    vec![
        (merchant, amount - marketplace_fee - merchant_pays),
        (transaction.caller, marketplace_fee - caller_pays),
    ]
}
