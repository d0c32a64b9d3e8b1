using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>AUTH mechanism [initial-response] (RFC 5034 §4); without a mechanism it lists them, as older clients ask.</summary>
internal static class AuthCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (!session.Sasl.AllowsLogin)
        {
            return new(Pop3Reply.ClearTextRefused);
        }

        if (arguments.IsEmpty)
        {
            session.WriteLines("+OK mechanisms follow", [.. session.Sasl.Offered]);
            return default;
        }

        var space = arguments.IndexOf((byte)' ');
        var conversation = SaslConversation.Begin(space < 0 ? arguments : arguments[..space], session.Sasl, session.Accounts);
        if (conversation is null)
        {
            return new(Pop3Reply.NoSuchMechanism);
        }

        return space < 0
            ? ChallengeAsync(session, conversation, conversation.FirstChallenge.GetValueOrDefault())
            : RespondAsync(session, conversation, SaslMechanisms.DecodeInitial(arguments[(space + 1)..]));
    }

    private static async ValueTask<Pop3Reply?> ChallengeAsync(Pop3ServerSession session, SaslConversation conversation, ReadOnlyMemory<byte> challenge)
    {
        session.WriteLine($"+ {Convert.ToBase64String(challenge.Span)}");
        var line = await session.ReadLineAsync();
        if (line is null)
        {
            return session.End is null ? Pop3Reply.MalformedResponse : null;
        }

        return SaslMechanisms.IsCancellation(line) ? Pop3Reply.AuthCancelled : await RespondAsync(session, conversation, SaslMechanisms.Decode(line));
    }

    private static async ValueTask<Pop3Reply?> RespondAsync(Pop3ServerSession session, SaslConversation conversation, byte[]? response)
    {
        var step = response is null ? SaslStep.Malformed : await conversation.NextAsync(response, session.Aborted);
        return step.Outcome switch
        {
            SaslOutcome.Finished => await Login.FinishAsync(session, step.Result!),
            SaslOutcome.Challenge => await ChallengeAsync(session, conversation, step.Challenge),
            _ => Pop3Reply.MalformedResponse,
        };
    }
}
