using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace MailGrains.Messages.Dsn;

/// <summary>The part of a report that people read: which address, what happened, in the server's own words, and what they can do.</summary>
internal sealed class ReportText
{
    private const int MaxLine = 76;
    private const int MaxAddressChars = 320;
    private const int MaxTextChars = 500;
    private const int MaxHostChars = 255;
    private const int MaxWordChars = 300;
    private const string Indent = "    ";

    private readonly StringBuilder _text = new();
    private readonly DeliveryReport _report;

    private ReportText(DeliveryReport report) => _report = report;

    public static byte[] Write(DeliveryReport report, ReturnedMessage original, int listed)
    {
        var text = new ReportText(report);
        text.Begin(original);
        var groups = report.Recipients.Take(listed).GroupBy(Told.Of).OrderBy(group => Order(group.Key.Action));
        foreach (var group in groups)
        {
            text.Group(group.Key, [.. group]);
        }

        text.End(report.Recipients.Length - listed);
        return Encoding.UTF8.GetBytes(text._text.ToString());
    }

    public static string Subject(ImmutableArray<ReportedRecipient> recipients) => recipients.MinBy(recipient => Order(recipient.Action))!.Action switch
    {
        DeliveryAction.Failed => "Your message could not be delivered",
        DeliveryAction.Delayed => "Your message is delayed",
        DeliveryAction.Relayed => "Your message was passed on",
        DeliveryAction.Expanded => "Your message was delivered to a list",
        _ => "Your message was delivered",
    };

    /// <summary>What asks for something comes first.</summary>
    private static int Order(DeliveryAction action) => action switch
    {
        DeliveryAction.Failed => 0,
        DeliveryAction.Delayed => 1,
        DeliveryAction.Relayed => 2,
        DeliveryAction.Expanded => 3,
        _ => 4,
    };

    private void Begin(ReturnedMessage original)
    {
        Paragraph($"This is the mail server {Host(_report.ReportingMta)}. It has news of a message of yours:");
        Line($"{Indent}Subject: {(original.Subject.Length == 0 ? "(none)" : original.Subject)}");
        if (_report.ArrivedAt is { } arrivedAt)
        {
            Line($"{Indent}Received here: {ReportFields.Date(arrivedAt)}");
        }

        if (_report.DeliverBy is { } deliverBy)
        {
            Line($"{Indent}To be delivered by: {ReportFields.Date(deliverBy)}");
        }

        Line("");
    }

    private void Group(Told told, ImmutableArray<ReportedRecipient> recipients)
    {
        Paragraph(Heading(told.Action, recipients.Length == 1));
        foreach (var recipient in recipients)
        {
            Wrap(Address(recipient), Indent);
        }

        Line("");
        switch (told.Action)
        {
            case DeliveryAction.Failed:
                Reason(told);
                Paragraph(StatusTable.Advice(told.Class));
                break;
            case DeliveryAction.Delayed:
                Reason(told);
                Paragraph(told.RetriedUntil is { } until
                    ? $"You need not do anything. It will be tried again until {ReportFields.Date(until)}, and you will be told if it fails."
                    : "You need not do anything. It will be tried again, and you will be told if it fails.");
                break;
        }
    }

    /// <summary>What stood in the way, in the words of who said it.</summary>
    private void Reason(Told told)
    {
        var (host, reply) = (told.Host is { Length: > 0 } name ? $"The server {Host(name)}" : "The server", told.Reply);
        if (told.IsExpired)
        {
            Paragraph("It was tried again and again, until its time was over.");
        }

        if (reply.Length == 0)
        {
            return;
        }

        Paragraph(told.IsReply ? $"{host} answered{(told.IsExpired ? " at last" : "")}:"
            : told.Host is { Length: > 0 } ? $"{host} was to be asked. What went wrong:" : "What went wrong:");
        Wrap(reply, Indent);
        Line("");
    }

    private void End(int unlisted)
    {
        if (unlisted > 0)
        {
            Paragraph(string.Create(
                CultureInfo.InvariantCulture, $"And {unlisted} more recipient{(unlisted == 1 ? "" : "s")}, for whom there is no room in this report."));
        }

        Paragraph("Below are the same report for programs, and your message or its header. A program wrote this: please do not answer it.");
    }

    private static string Heading(DeliveryAction action, bool isOne)
    {
        var recipients = isOne ? "this recipient" : "these recipients";
        return action switch
        {
            DeliveryAction.Failed => $"It could not be delivered to {recipients}, and will not be tried again:",
            DeliveryAction.Delayed => $"It could not be delivered to {recipients} yet:",
            DeliveryAction.Relayed => $"It was passed on to the server of {recipients}, which does not report whether it was delivered:",
            DeliveryAction.Expanded when isOne =>
                "It was delivered to this address, which passes it on to others. You will not hear what becomes of it there:",
            DeliveryAction.Expanded => "It was delivered to these addresses, which pass it on to others. You will not hear what becomes of it there:",
            _ => $"It was delivered to {recipients}:",
        };
    }

    private static string Host(string host) => PlainText.Of(host, MaxHostChars);

    /// <summary>The address that the sender knows comes along where it is another.</summary>
    private static string Address(ReportedRecipient recipient)
    {
        var address = PlainText.Of(recipient.Address, MaxAddressChars);
        var original = recipient.OriginalRecipient is { } typed ? PlainText.Of(TypedAddress.AddressOf(typed), MaxAddressChars) : "";
        return original.Length == 0 || original.Equals(address, StringComparison.OrdinalIgnoreCase) ? address : $"{address} (sent to {original})";
    }

    private void Paragraph(string text)
    {
        Wrap(text, "");
        Line("");
    }

    private void Wrap(string text, string indent)
    {
        var column = 0;
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany(Pieces))
        {
            if (column > 0 && column + 1 + word.Length > MaxLine)
            {
                _text.Append("\r\n");
                column = 0;
            }

            var before = column == 0 ? indent : " ";
            _text.Append(before).Append(word);
            column += before.Length + word.Length;
        }

        _text.Append("\r\n");
    }

    /// <summary>A word that no line can hold (998 octets) is cut.</summary>
    private static IEnumerable<string> Pieces(string word)
    {
        while (word.Length > MaxWordChars)
        {
            var cut = char.IsHighSurrogate(word[MaxWordChars - 1]) ? MaxWordChars - 1 : MaxWordChars;
            yield return word[..cut];
            word = word[cut..];
        }

        yield return word;
    }

    private void Line(string text) => _text.Append(text).Append("\r\n");

    /// <summary>What there is to say of a recipient; recipients of whom the same is to be said stand together.</summary>
    private sealed record Told(
        DeliveryAction Action, StatusClass Class, string? Host, bool IsReply, string Reply, bool IsExpired, DateTimeOffset? RetriedUntil)
    {
        public static Told Of(ReportedRecipient recipient)
        {
            if (recipient.Action is not (DeliveryAction.Failed or DeliveryAction.Delayed))
            {
                return new Told(recipient.Action, StatusClass.Other, null, false, "", false, null);
            }

            var isReply = recipient.Code != 0;
            var @class = StatusTable.Classify(recipient.Code, recipient.Status, recipient.Text);
            return new Told(
                recipient.Action,
                recipient.IsExpired && @class == StatusClass.Other ? StatusClass.Expired : @class,
                recipient.RemoteMta,
                isReply,
                isReply ? ReportFields.ReplyOf(recipient) : PlainText.Of(recipient.Text, MaxTextChars),
                recipient.IsExpired,
                recipient.Action == DeliveryAction.Delayed ? recipient.RetriedUntil : null);
        }
    }
}
