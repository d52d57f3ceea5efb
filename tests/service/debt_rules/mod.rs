//! The rules of debt: Pay on credit, SettleDebt, WriteOffDebt and Refund.

mod charging;
mod refunding;
mod settling;

use std::time::Duration;

use crate::support::{Client, Response, Server, config, demo, pay, settle};
use fps_sandbox::config::Config;
use fps_sandbox::error::{Code, FpsError};
use fps_sandbox::ledger::{Book, LedgerAccount, Query, QueryContext, ReadSet, TransactionId};

const SECOND: Duration = Duration::from_secs(1);

const MINUTE: Duration = Duration::from_secs(60);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A seed with a shop, a rival, and Ann, who has credit and no debt.
const SEED: &str = r#"
account = [
    { name = "shop", email = "shop@example.com", access_key = [{ id = "SHOP", secret = "shop-secret" }] },
    { name = "rival", email = "rival@example.com", access_key = [{ id = "RIVAL", secret = "rival-secret" }] },
    { name = "ann", email = "ann@example.com", kind = "personal", balance = "300.00" },
]
credit_instrument = [
    { id = "LINE", sender = "ann", recipient = "shop", credit_limit = "20000.00" },
    { id = "OTHER", sender = "ann", recipient = "shop", credit_limit = "50.00" },
]
token = [
    { id = "CREDIT", charges = "LINE" },
    { id = "BY-CARD", settles = "LINE", method = "CC", global_amount_limit = "200.00" },
    { id = "BY-BALANCE", settles = "LINE", method = "ABT" },
    { id = "BY-BANK", settles = "LINE", method = "ACH" },
    { id = "OTHER-BALANCE", settles = "OTHER", method = "ABT" },
    { id = "ABT", sender = "ann", caller = "shop", method = "ABT" },
    { id = "CC", sender = "ann", caller = "shop", method = "CC" },
    { id = "ACH", sender = "ann", caller = "shop", method = "ACH" },
    { id = "SHOP-PAYS", sender = "shop", caller = "rival", method = "ABT" },
]
"#;

/// A sandbox with [`SEED`] and a client for the shop.
struct TestShop {
    server: Server,
    client: Client,
}

impl TestShop {
    async fn start() -> Self {
        Self::start_with(config()).await
    }

    async fn start_with(config: Config) -> Self {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), SEED).expect("the seed is written");
        let server = Server::start_with(Config { seed: Some(file.path().to_owned()), ..config }).await;
        let client = server.client("SHOP", "shop-secret");
        Self { server, client }
    }

    fn rival(&self) -> Client {
        self.server.client("RIVAL", "rival-secret")
    }

    async fn advance(&self, by: Duration) {
        self.server.advance(by).await;
    }

    /// Calls Pay, which must succeed, and returns the transaction.
    async fn pays(&self, token: &str, dollars: &str, reference: &str) -> String {
        self.client.ok("Pay", &pay(token, dollars, reference)).await.text("TransactionId")
    }

    /// Calls SettleDebt, which must succeed, and returns the transaction.
    async fn settles(&self, token: &str, dollars: &str, reference: &str) -> String {
        self.client
            .ok("SettleDebt", &settle_parameters(token, dollars, reference))
            .await
            .text("TransactionId")
    }

    async fn settle_refused(&self, token: &str, dollars: &str, reference: &str, code: &str) -> Response {
        self.client.refused("SettleDebt", &settle_parameters(token, dollars, reference), code).await
    }

    async fn writes_off(&self, dollars: &str, reference: &str) -> String {
        self.client.ok("WriteOffDebt", &write_off_parameters(dollars, reference)).await.text("TransactionId")
    }

    async fn refunds(&self, transaction: &str, dollars: &str, reference: &str) -> String {
        self.client
            .ok("Refund", &refund_parameters(transaction, dollars, reference))
            .await
            .text("TransactionId")
    }

    async fn refund_refused(
        &self,
        transaction: &str,
        dollars: &str,
        reference: &str,
        code: &str,
    ) -> Response {
        self.client.refused("Refund", &refund_parameters(transaction, dollars, reference), code).await
    }

    /// The available and pending debt on `LINE`.
    async fn debt(&self) -> (String, String) {
        self.client.debt("LINE").await
    }

    async fn detail(&self, transaction: &str) -> Response {
        self.client.ok("GetTransaction", &[("TransactionId", transaction)]).await
    }

    async fn fee(&self, transaction: &str) -> String {
        self.detail(transaction).await.text("FPSFees/Value")
    }

    async fn status(&self, transaction: &str) -> (String, String) {
        self.client.status(transaction).await
    }

    /// The balances of the sender and the recipient of a transaction.
    async fn balances(&self, transaction: &str) -> (String, String) {
        let balances = GetBalances { of: transaction.into() };
        self.server.store.query(balances).await.expect("the balances")
    }
}

/// A query for two balances in the ledger.
#[derive(Debug)]
struct GetBalances {
    of: TransactionId,
}

impl Query for GetBalances {
    type Output = (String, String);

    fn read_set(&self, reads: &mut ReadSet<'_>) {
        reads.transaction(&self.of);
    }

    fn answer(&self, book: &Book, _: &QueryContext<'_>) -> Result<Self::Output, FpsError> {
        let found = book.transaction(&self.of).ok_or(Code::InvalidTransactionId)?;
        let balance = |party| book.total(LedgerAccount::balance(party)).to_string();
        Ok((balance(found.sender), balance(found.recipient)))
    }
}

fn settle_parameters<'a>(token: &'a str, dollars: &'a str, reference: &'a str) -> Vec<(&'a str, &'a str)> {
    let whole =
        vec![("SenderTokenId", token), ("CreditInstrumentId", "LINE"), ("CallerReference", reference)];
    with_amount(whole, "SettlementAmount.Value", dollars)
}

fn refund_parameters<'a>(
    transaction: &'a str,
    dollars: &'a str,
    reference: &'a str,
) -> Vec<(&'a str, &'a str)> {
    let whole = vec![("TransactionId", transaction), ("CallerReference", reference)];
    with_amount(whole, "RefundAmount.Value", dollars)
}

fn write_off_parameters<'a>(dollars: &'a str, reference: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![("CreditInstrumentId", "LINE"), ("AdjustmentAmount.Value", dollars), ("CallerReference", reference)]
}

/// Adds the amount, unless it is empty.
fn with_amount<'a>(
    mut parameters: Vec<(&'a str, &'a str)>,
    name: &'a str,
    dollars: &'a str,
) -> Vec<(&'a str, &'a str)> {
    if !dollars.is_empty() {
        parameters.push((name, dollars));
    }
    parameters
}

fn debt(available: &str, pending: &str) -> (String, String) {
    (format!("{available}0000"), format!("{pending}0000"))
}

fn status_and_code(status: &str, code: &str) -> (String, String) {
    (status.to_owned(), code.to_owned())
}
