using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Sasl.Client;

namespace MailGrains.Protocols.Smtp.Client;

/// <summary>AUTH (RFC 4954 §4), mechanism after mechanism while the server says that it does not know them after all.</summary>
internal sealed class Login(SmtpClientConnection connection, PlainCredentials credentials)
{
    private const int UnknownMechanism504 = 504;

    /// <summary>No mechanism asks more often.</summary>
    private const int MaxChallenges = 4;

    public async ValueTask<SmtpResult> RunAsync()
    {
        if (connection.Tls is null && !connection.Options.AllowsClearTextLogin)
        {
            return NotOffered("there is no TLS, and logins in clear are not allowed");
        }

        if (!SaslClientMechanisms.Carry(credentials))
        {
            return NotOffered("this name or password can't be sent");
        }

        SmtpResult? refused = null;
        foreach (var (name, begin) in SaslClientMechanisms.In(connection.Capabilities.Auth))
        {
            refused = await TryAsync(name, begin(credentials));
            if (refused.Reply?.Code != UnknownMechanism504)
            {
                return refused;
            }
        }

        return refused ?? NotOffered("the server offers no mechanism of AUTH that we know");
    }

    private async ValueTask<SmtpResult> TryAsync(string name, SaslClientExchange exchange)
    {
        // An empty response is "=" (RFC 4954 §4); none of ours is.
        connection.Write(exchange.InitialResponse is { } initial ? $"AUTH {name} {Convert.ToBase64String(initial)}" : $"AUTH {name}");
        for (var challenges = 0; ; challenges++)
        {
            var heard = await connection.HearAsync(ReplyForm.Challenge, connection.Options.CommandTimeout);
            if (heard.Reply is not { Code: 334 })
            {
                return Finish(heard, exchange);
            }

            var response = challenges < MaxChallenges && SaslMechanisms.Decode(connection.Challenge) is { } decoded ? exchange.Respond(decoded) : null;
            if (response is null)
            {
                return await CancelAsync();
            }

            connection.Write(Convert.ToBase64String(response));
        }
    }

    private SmtpResult Finish(in Heard heard, SaslClientExchange exchange)
    {
        if (heard.Reply is { IsIntermediate: true })
        {
            return SmtpResult.Of(SmtpStage.Auth, connection.EndOutOfStep(heard.Reply));
        }

        if (heard.Reply is { IsPositive: true } && !exchange.IsServerProven)
        {
            // RFC 5802 §5.1: whoever took the login did not need to know the password.
            connection.End(SmtpCause.ServerNotProven, "the server has not shown that it knows the password");
            return SmtpResult.Local(SmtpVerdict.Temporary, SmtpStage.Auth, SmtpCause.ServerNotProven, "the server has not shown that it knows the password");
        }

        return SmtpResult.Of(SmtpStage.Auth, heard);
    }

    /// <summary>"*" gives the authentication up (RFC 4954 §4).</summary>
    private async ValueTask<SmtpResult> CancelAsync()
    {
        var answer = await connection.AskAsync(SmtpStage.Auth, "*", connection.Options.CommandTimeout);
        if (answer.IsAccepted)
        {
            connection.EndOutOfStep(answer.Reply!);
        }

        return answer.Reply is null && answer.Cause != SmtpCause.BadReply
            ? answer
            : SmtpResult.Local(SmtpVerdict.Temporary, SmtpStage.Auth, SmtpCause.BadReply, "the server did not keep to the mechanism");
    }

    private static SmtpResult NotOffered(string detail) => SmtpResult.Local(SmtpVerdict.Temporary, SmtpStage.Auth, SmtpCause.NotOffered, detail);
}
