//! `fps-sandbox sign`: a signed request, to be sent by something else.

use std::process::ExitCode;

use clap::Args;

use super::arguments::{RequestArgs, demo_ids};
use super::{Failure, print};

pub(super) fn after_help() -> String {
    format!(
        "\
Examples:
  fps-sandbox sign Action=GetDebtBalance CreditInstrumentId=553I…
  fps-sandbox sign --curl Action=Pay SenderTokenId=… TransactionAmount=10
  fps-sandbox sign --curl --post --signature-version 1 Action=SettleDebt …
  curl \"$(fps-sandbox sign Action=GetTransaction TransactionId=…)\"
  fps-sandbox sign pipelineName=SingleUse transactionAmount=10 callerReference=1 returnURL=http://localhost:3000/

The last is a URL for the Co-Branded pages: whatever has a pipelineName is.

{}

Exit codes: 0 signed; 2 the command line is wrong.",
        demo_ids()
    )
}

/// Sign a request and print its URL.
///
/// Nothing is sent. A request the sandbox will refuse is signed all the same, with a warning: refusals want testing.
#[derive(Debug, Args)]
pub(super) struct Sign {
    /// Print a curl line for a POSIX shell. Without it: the URL of a GET, or the form of a --post.
    #[arg(long)]
    curl: bool,

    #[command(flatten)]
    request: RequestArgs,
}

impl Sign {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        let signed = self.request.signed()?;
        let line = match signed.form() {
            _ if self.curl => signed.curl(),
            Some(form) => {
                print::note(&format!(
                    "note: POST this to {} as application/x-www-form-urlencoded",
                    signed.url()
                ));
                form
            }
            None => signed.url(),
        };
        if self.curl && signed.endpoint.is_secure() {
            let ca = format!("{}/_sandbox/ca.pem", signed.endpoint);
            print::note(&format!(
                "note: curl must trust the sandbox: get {ca} once with `curl -k` and add --cacert"
            ));
        }
        print::out(&format!("{line}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}
