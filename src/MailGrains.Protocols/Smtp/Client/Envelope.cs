using System.Globalization;
using System.Text;
using MailGrains.Protocols.Smtp.Parameters;

namespace MailGrains.Protocols.Smtp.Client;

/// <summary>The commands of one transaction, as this server understands them.</summary>
internal sealed class Envelope(OutgoingMail mail, SmtpClientConnection connection)
{
    /// <summary>RFC 2852: nine digits.</summary>
    private const double MaxDeliverBySeconds = 999_999_999;

    private readonly SmtpCapabilities _offered = connection.Capabilities;

    /// <summary>What stands against the mail before anything is said; null: nothing.</summary>
    public SmtpResult? Refuse()
    {
        if (Lacking() is { } extension)
        {
            return Refuse(SmtpCause.NotOffered, $"the server does not offer {extension}, which the message needs");
        }

        // RFC 1870 §6.2: it would be refused.
        if (_offered.Size is > 0 and var limit && mail.Content.Length > limit)
        {
            return Refuse(
                SmtpCause.TooLarge, string.Create(CultureInfo.InvariantCulture, $"the message has {mail.Content.Length} octets, and the server takes {limit}"));
        }

        if (mail.Parameters.DeliverBy is { Returns: true } deliverBy && (SecondsTo(deliverBy) <= 0 || SecondsTo(deliverBy) < _offered.DeliverBy?.TotalSeconds))
        {
            return Refuse(SmtpCause.TooLate, "there is not enough time left to deliver the message in");
        }

        return IsPath(ReversePath.Parse(mail.ReversePath.Text) is not null, mail.ReversePath.Text) ? null : RefusePath(SmtpStage.Mail, mail.ReversePath.Text);
    }

    /// <summary>What stands against a recipient; null: nothing.</summary>
    public SmtpResult? Refuse(OutgoingRecipient recipient)
    {
        // Parsed again: whatever made it, nothing but a path gets into a command.
        var text = recipient.ForwardPath.Text;
        return IsPath(ForwardPath.Parse(text) is not null, text) ? null : RefusePath(SmtpStage.Rcpt, text);
    }

    public string Mail()
    {
        var parameters = mail.Parameters;
        var command = new StringBuilder("MAIL FROM:<").Append(mail.ReversePath.Text).Append('>');
        if (_offered.Size is not null)
        {
            // RFC 1870 §6: of the content, stuffed dots not counted.
            command.Append(CultureInfo.InvariantCulture, $" SIZE={mail.Content.Length}");
        }

        // RFC 6152 §3, RFC 3030 §3, RFC 6531 §3.4.
        AppendIf(command, parameters.Body == BodyType.EightBitMime, " BODY=8BITMIME");
        AppendIf(command, parameters.Body == BodyType.BinaryMime, " BODY=BINARYMIME");
        AppendIf(command, parameters.SmtpUtf8, " SMTPUTF8");
        if (parameters.Auth is { } auth && _offered.Auth.Count > 0)
        {
            // RFC 4954 §5.
            command.Append(" AUTH=").Append(auth.Length == 0 ? "<>" : Xtext.Encode(auth));
        }

        AppendIf(command, parameters.RequireTls, " REQUIRETLS");
        AppendDsn(command, parameters);
        AppendTimes(command, parameters);
        return command.ToString();
    }

    public string Rcpt(OutgoingRecipient recipient)
    {
        var command = new StringBuilder("RCPT TO:<").Append(recipient.ForwardPath.Text).Append('>');
        if (_offered.Dsn)
        {
            AppendNotify(command, recipient.Parameters.Notify);
            AppendOriginal(command, recipient.Parameters.OriginalRecipient);
        }

        return command.ToString();
    }

    private static void AppendIf(StringBuilder command, bool condition, string parameter) => command.Append(condition ? parameter : "");

    /// <summary>What is not forbidden to be left out, and is longer than a server must take, is left out.</summary>
    private void AppendDsn(StringBuilder command, in MailParameters parameters)
    {
        // RFC 3461 §4.3 and §4.4.
        if (_offered.Dsn && parameters.Return != DsnReturn.Unspecified)
        {
            command.Append(parameters.Return == DsnReturn.Full ? " RET=FULL" : " RET=HDRS");
        }

        if (_offered.Dsn && parameters.EnvelopeId is { Length: > 0 } id && Xtext.Encode(id) is { Length: <= DsnDecoder.MaxEnvelopeIdBytes } encoded)
        {
            command.Append(" ENVID=").Append(encoded);
        }
    }

    private void AppendTimes(StringBuilder command, in MailParameters parameters)
    {
        if (_offered.DeliverBy is not null && parameters.DeliverBy is { } deliverBy)
        {
            // RFC 2852: what is left of the time.
            var seconds = Math.Clamp(SecondsTo(deliverBy), -MaxDeliverBySeconds, MaxDeliverBySeconds);
            command.Append(CultureInfo.InvariantCulture, $" BY={seconds:F0};{(deliverBy.Returns ? "R" : "N")}{(deliverBy.Trace ? "T" : "")}");
        }

        if (_offered.MtPriority && parameters.Priority is not 0 and >= -9 and <= 9)
        {
            // RFC 6710.
            command.Append(CultureInfo.InvariantCulture, $" MT-PRIORITY={parameters.Priority}");
        }
    }

    // RFC 3461 §4.1.
    private static void AppendNotify(StringBuilder command, DsnNotify notify)
    {
        if (notify == DsnNotify.Unspecified)
        {
            return;
        }

        string[] kinds = (notify & DsnNotify.Never) != 0
            ? ["NEVER"]
            : [.. new[] { DsnNotify.Success, DsnNotify.Failure, DsnNotify.Delay }.Where(kind => (notify & kind) != 0).Select(kind => kind.ToString().ToUpperInvariant())];
        command.Append(" NOTIFY=").AppendJoin(',', kinds);
    }

    // RFC 3461 §4.2.
    private static void AppendOriginal(StringBuilder command, OriginalRecipient? original)
    {
        if (original is null || !DsnDecoder.IsAddressType(original.AddressType) || original.Address.Length == 0)
        {
            return;
        }

        var isUtf8 = original.AddressType.Equals("utf-8", StringComparison.OrdinalIgnoreCase);
        var value = $"{original.AddressType};{(isUtf8 ? Utf8Address.Encode(original.Address) : Xtext.Encode(original.Address))}";
        AppendIf(command, value.Length <= DsnDecoder.MaxOriginalRecipientBytes, $" ORCPT={value}");
    }

    private static SmtpResult Refuse(SmtpCause cause, string detail) => SmtpResult.Local(SmtpVerdict.Permanent, SmtpStage.Mail, cause, detail);

    private static SmtpResult RefusePath(SmtpStage stage, string text) => SmtpResult.Local(
        SmtpVerdict.Permanent, stage, SmtpCause.BadEnvelope, $"not an address, or one that needs SMTPUTF8: {PeerReply.Clean(Encoding.UTF8.GetBytes(text))}");

    private string? Lacking()
    {
        var parameters = mail.Parameters;
        return parameters.SmtpUtf8 && !_offered.SmtpUtf8 ? "SMTPUTF8"
            : parameters.Body == BodyType.EightBitMime && !_offered.EightBitMime ? "8BITMIME"
            : parameters.Body == BodyType.BinaryMime && !(_offered.BinaryMime && connection.Options.UsesChunking) ? "BINARYMIME"
            : parameters.RequireTls && !(_offered.RequireTls && connection.Tls is not null) ? "REQUIRETLS"
            : parameters.DeliverBy is { Returns: true } && _offered.DeliverBy is null ? "DELIVERBY"
            : null;
    }

    private double SecondsTo(DeliverByTime deliverBy) => Math.Floor((deliverBy.At - connection.Time.GetUtcNow()).TotalSeconds);

    private bool IsPath(bool isParsed, string text) => isParsed && (mail.Parameters.SmtpUtf8 || Ascii.IsValid(text));
}
