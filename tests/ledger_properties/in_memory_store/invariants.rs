//! Invariants between totals and transactions, instruments and accounts.

use std::collections::BTreeMap;

use fps_sandbox::ledger::{
    AccountNumber, Amount, InstrumentKind, LedgerAccount, LedgerAccountKind, MarketplaceRefundPolicy,
    Operation, Status, Transaction, TransactionNumber,
};

use super::{Check, InMemoryStore};

/// The accounts that hold money until a transaction ends.
const HOLDS: [LedgerAccountKind; 9] = [
    LedgerAccountKind::Incoming,
    LedgerAccountKind::Outgoing,
    LedgerAccountKind::Reserved,
    LedgerAccountKind::DebtPending,
    LedgerAccountKind::CreditExtendedPending,
    LedgerAccountKind::PrepaidPending,
    LedgerAccountKind::PrepaidLiabilityPending,
    LedgerAccountKind::ClearingCards,
    LedgerAccountKind::ClearingBanks,
];

fn waits(transaction: &Transaction) -> bool {
    matches!(transaction.status(), Status::Pending | Status::Reserved)
}

impl InMemoryStore {
    /// The refunds of each transaction that has any.
    pub(super) fn refunds_by_original(&self) -> BTreeMap<TransactionNumber, Vec<&Transaction>> {
        let mut refunds: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for refund in self.transactions.values() {
            if let Some(original) = refund.original {
                refunds.entry(original).or_default().push(refund);
            }
        }
        refunds
    }

    pub(super) fn check_totals(&self, check: &mut Check<'_>) {
        self.check_ended(check);
        self.check_holds(check);
        self.check_merchants(check);
        self.check_recharge_limits(check);
        self.check_marketplace_fees(check);
        self.check_fees(check);
        self.check_histories(check);
    }

    /// A completed transaction holds no money, and a failed or cancelled one has moved no money.
    fn check_ended(&self, check: &mut Check<'_>) {
        let mut moved: BTreeMap<TransactionNumber, BTreeMap<LedgerAccount, Amount>> = BTreeMap::new();
        for posting in &self.postings {
            let of_transaction = moved.entry(posting.transaction).or_default();
            *of_transaction.entry(posting.account).or_default() += posting.amount;
        }
        for (number, moved) in &moved {
            let transaction = &self.transactions[number];
            let came_to_nothing = matches!(transaction.status(), Status::Failure | Status::Cancelled);
            for (account, amount) in moved.iter().filter(|_| !waits(transaction)) {
                let has_to_be_zero = came_to_nothing || HOLDS.contains(&account.kind);
                check(!has_to_be_zero || amount.is_zero(), &|| {
                    format!("{amount} is left on {account:?} by {transaction:?}")
                });
            }
        }
        if !self.transactions.values().any(waits) {
            for (account, total) in self.totals.iter().filter(|(account, _)| HOLDS.contains(&account.kind)) {
                check(total.is_zero(), &|| format!("{total} is held on {account:?} and nothing is pending"));
            }
        }
    }

    /// The totals of held money are the sums of the transactions that hold it.
    fn check_holds(&self, check: &mut Check<'_>) {
        let mut expected: BTreeMap<LedgerAccount, Amount> = BTreeMap::new();
        for made in self.transactions.values().filter(|made| waits(made)) {
            let on_instrument = |account: fn(_) -> LedgerAccount| {
                made.instrument.map(account).into_iter().collect::<Vec<_>>()
            };
            let held_on = match (made.operation, made.status()) {
                (Operation::Reserve, Status::Reserved) => vec![LedgerAccount::reserved(made.recipient)],
                (Operation::Refund, _) => vec![LedgerAccount::outgoing(made.sender)],
                (Operation::SettleDebt, _) => on_instrument(LedgerAccount::debt_pending),
                (Operation::FundPrepaid, _) => on_instrument(LedgerAccount::prepaid_pending),
                _ => Vec::new(),
            };
            for account in held_on {
                *expected.entry(account).or_default() += made.amount;
            }
        }
        let kinds = [
            LedgerAccountKind::Reserved,
            LedgerAccountKind::Outgoing,
            LedgerAccountKind::DebtPending,
            LedgerAccountKind::PrepaidPending,
        ];
        for (account, total) in self.totals.iter().filter(|(account, _)| kinds.contains(&account.kind)) {
            let expected = expected.remove(account).unwrap_or_default();
            check(*total == expected, &|| format!("{account:?} holds {total}, its transactions {expected}"));
        }
        check(expected.values().all(|amount| amount.is_zero()), &|| format!("nothing holds {expected:?}"));
    }

    /// The totals of creditors and issuers are the sums of the balances of their instruments.
    fn check_merchants(&self, check: &mut Check<'_>) {
        for &merchant in self.accounts.keys() {
            let instrument_total = |kind, account: fn(_) -> LedgerAccount| {
                let own = self.instruments.values();
                let own = own.filter(|one| one.recipient == merchant && one.kind == kind);
                own.map(|one| self.total(account(one.number))).sum::<Amount>()
            };
            let of_merchant = |account: fn(AccountNumber) -> LedgerAccount| self.total(account(merchant));
            let given = -of_merchant(LedgerAccount::credit_extended);
            let written_off = of_merchant(LedgerAccount::write_offs);
            for (what, of_merchant, on_instruments) in [
                ("debt", given - written_off, instrument_total(InstrumentKind::Credit, LedgerAccount::debt)),
                (
                    "debt being settled",
                    -of_merchant(LedgerAccount::credit_extended_pending),
                    instrument_total(InstrumentKind::Credit, LedgerAccount::debt_pending),
                ),
                (
                    "prepaid",
                    -of_merchant(LedgerAccount::prepaid_liability),
                    instrument_total(InstrumentKind::Prepaid, LedgerAccount::prepaid),
                ),
                (
                    "prepaid on its way",
                    -of_merchant(LedgerAccount::prepaid_liability_pending),
                    instrument_total(InstrumentKind::Prepaid, LedgerAccount::prepaid_pending),
                ),
            ] {
                check(of_merchant == on_instruments, &|| {
                    format!("{merchant:?}, {what}: {of_merchant}, on instruments {on_instruments}")
                });
            }
        }
        // The accounts of the other type of instrument must be zero.
        for instrument in self.instruments.values() {
            let others: [fn(_) -> LedgerAccount; 2] = match instrument.kind {
                InstrumentKind::Credit => [LedgerAccount::prepaid, LedgerAccount::prepaid_pending],
                InstrumentKind::Prepaid => [LedgerAccount::debt, LedgerAccount::debt_pending],
            };
            for account in others.map(|account| account(instrument.number)) {
                check(self.total(account).is_zero(), &|| format!("{account:?} of {}", instrument.id));
            }
        }
    }

    /// A prepaid balance may exceed the recharge limit only by the refunds since the last funding.
    fn check_recharge_limits(&self, check: &mut Check<'_>) {
        let prepaid = |kind| kind == InstrumentKind::Prepaid;
        for instrument in self.instruments.values().filter(|instrument| prepaid(instrument.kind)) {
            let [available, pending] = instrument.ledger_accounts().map(|account| self.total(account));
            let on_it = self.transactions.values().filter(|made| made.instrument == Some(instrument.number));
            let mut refunded = Amount::ZERO;
            for made in on_it {
                match made.operation {
                    Operation::FundPrepaid => refunded = Amount::ZERO,
                    Operation::Refund => refunded += made.amount,
                    _ => {}
                }
            }
            check(available + pending <= instrument.ceiling + refunded, &|| {
                format!("{} carries {available} and {pending}, {refunded} refunded", instrument.id)
            });
        }
    }

    /// Returned marketplace fees add up and do not exceed the fee.
    fn check_marketplace_fees(&self, check: &mut Check<'_>) {
        let refunds_of = self.refunds_by_original();
        for original in self.transactions.values().filter(|made| made.original.is_none()) {
            let refunds = refunds_of.get(&original.number).into_iter().flatten();
            let returned: Amount = refunds
                .map(|refund| match refund.refund_policy {
                    Some(MarketplaceRefundPolicy::MarketplaceTxnOnly) => refund.amount,
                    _ => -refund.progress.marketplace_fee,
                })
                .sum();
            let progress = &original.progress;
            check(returned == progress.marketplace_fee_returned, &|| {
                format!("own fees of {returned} back of {original:?}")
            });
            check((Amount::ZERO..=progress.marketplace_fee).contains(&returned), &|| {
                format!("{returned} of the own fee returned of {original:?}")
            });
        }
    }

    /// The total of fees is the sum over successful transactions and pending refunds, whose fee is returned at once.
    fn check_fees(&self, check: &mut Check<'_>) {
        let counts = |made: &&Transaction| {
            made.status() == Status::Success
                || (made.status() == Status::Pending && made.operation == Operation::Refund)
        };
        let earned: Amount = self.transactions.values().filter(counts).map(|made| made.progress.fee).sum();
        let total = self.total(LedgerAccount::fees());
        check(total == earned, &|| format!("fees of {total}, by transactions {earned}"));
    }

    /// The status changes of a transaction are in chronological order, and its completion is the last one.
    fn check_histories(&self, check: &mut Check<'_>) {
        for made in self.transactions.values() {
            let history = made.history.changes();
            let in_order = history.is_sorted_by_key(|stage| stage.at);
            let begins = history.first().is_some_and(|first| first.at == made.received);
            let scheduled_end =
                made.history.completed().is_none_or(|end| history.last().is_some_and(|last| last.at == end));
            check(in_order && begins && scheduled_end, &|| format!("history of {made:?}"));
        }
    }
}
