//! `fps-sandbox sign`: prints a signed request, to be sent by another program.

use std::process::ExitCode;

use clap::Args;

use super::request_args::{RequestArgs, demo_ids_help};
use super::{CliError, print};

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
        demo_ids_help()
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
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        let request = self.request.sign()?;
        let line = match request.form() {
            _ if self.curl => request.curl(),
            Some(form) => {
                print::to_stderr(&format!(
                    "note: POST this to {} as application/x-www-form-urlencoded",
                    request.url()
                ));
                form
            }
            None => request.url(),
        };
        if self.curl && request.endpoint.is_secure() {
            let ca = format!("{}/_sandbox/ca.pem", request.endpoint);
            print::to_stderr(&format!(
                "note: curl must trust the sandbox: get {ca} once with `curl -k` and add --cacert"
            ));
        }
        print::to_stdout(&format!("{line}\n"))?;
        Ok(ExitCode::SUCCESS)
    }
}
