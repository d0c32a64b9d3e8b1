using MailGrains.Messages.Headers;
using MailGrains.Protocols.Smtp;

namespace MailGrains.Gateways.Filters;

/// <summary>
/// What all filters together say of a message: the worst of their verdicts, reject before defer before junk before accept; of equal ones the
/// first configured is named.
/// </summary>
public sealed class MessageVerdict
{
    private readonly FilterVerdict[] _all;
    private readonly FilterVerdict _decisive;

    private MessageVerdict(FilterVerdict[] all, FilterVerdict decisive, FilterAction action) => (_all, _decisive, Action) = (all, decisive, action);

    public FilterAction Action { get; }

    /// <param name="verdicts">One or more, in the order of configuration.</param>
    /// <param name="isSubmission">A user's own mail is not put into anybody's Junk: what no filter refuses goes on, with the verdict in its header.</param>
    public static MessageVerdict Of(IReadOnlyList<FilterVerdict> verdicts, bool isSubmission)
    {
        FilterVerdict[] all = [.. verdicts];
        var decisive = all.MaxBy(v => v.Action)!;
        return new MessageVerdict(all, decisive, isSubmission && decisive.Action == FilterAction.Junk ? FilterAction.Accept : decisive.Action);
    }

    /// <summary>The reply to a message that is refused; null where it is kept.</summary>
    public SmtpReply? Refusal(string traceId) => Action switch
    {
        FilterAction.Reject => new SmtpReply(550, new EnhancedCode(7, 1), $"Message refused ({_decisive.Filter}: {_decisive.Reason}), id {traceId}"),
        FilterAction.Defer => new SmtpReply(
            451, new EnhancedCode(7, 1), $"Message not taken now ({_decisive.Filter}: {_decisive.Reason}), try again later, id {traceId}"),
        _ => null,
    };

    /// <summary>The header fields that go above our Received field; whole lines.</summary>
    public byte[] Fields(string host)
    {
        var writer = new HeaderFieldWriter(512);
        writer.Begin("X-MailGrains-Verdict"u8);
        writer.Word([], host, ";"u8);
        writer.Text(HeaderText.Of(ToString()));
        writer.End();
        if (Action == FilterAction.Junk)
        {
            writer.Begin("X-Spam-Flag"u8);
            writer.Word("YES"u8);
            writer.End();
        }

        foreach (var field in _all.SelectMany(v => v.Fields))
        {
            writer.Begin(System.Text.Encoding.ASCII.GetBytes(field.Name));
            writer.Text(field.Value);
            writer.End();
        }

        return writer.Finish();
    }

    /// <summary>Such as <c>junk; rspamd=junk (add-header, 7.00); clamd=accept (clean)</c>.</summary>
    public override string ToString() => $"{FilterVerdict.WordOf(Action)}; {string.Join("; ", _all.Select(v => v.ToString()))}";
}
