using System.Text;
using MailGrains.Protocols.Sasl;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>AUTH mechanism [initial-response] (RFC 5034 §4); without a mechanism it lists them, as older clients ask.</summary>
internal static class AuthCommand
{
    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (!session.AllowsClearTextLogin)
        {
            return new(Pop3Reply.ClearTextRefused);
        }

        if (arguments.IsEmpty)
        {
            session.WriteLines("+OK mechanisms follow", SaslMechanisms.Offered.Split(' '));
            return default;
        }

        var space = arguments.IndexOf((byte)' ');
        var exchange = SaslMechanisms.Begin(space < 0 ? arguments : arguments[..space]);
        if (exchange is null)
        {
            return new(Pop3Reply.NoSuchMechanism);
        }

        if (space < 0)
        {
            return ChallengeAsync(session, exchange, exchange.FirstChallenge);
        }

        // RFC 5034 §4: "=" stands for an initial response that is empty.
        var initial = arguments[(space + 1)..];
        return RespondAsync(session, exchange, initial.SequenceEqual("="u8) ? [] : SaslMechanisms.Decode(initial));
    }

    private static async ValueTask<Pop3Reply?> ChallengeAsync(Pop3ServerSession session, SaslExchange exchange, ReadOnlyMemory<byte> challenge)
    {
        session.WriteLine($"+ {Convert.ToBase64String(challenge.Span)}");
        var line = await session.ReadLineAsync();
        if (line is null)
        {
            return session.End is null ? Pop3Reply.MalformedResponse : null;
        }

        return Ascii.Equals(line, "*"u8) ? Pop3Reply.AuthCancelled : await RespondAsync(session, exchange, SaslMechanisms.Decode(line));
    }

    private static ValueTask<Pop3Reply?> RespondAsync(Pop3ServerSession session, SaslExchange exchange, byte[]? response)
    {
        var step = response is null ? SaslStep.Malformed : exchange.Next(response);
        return step.Outcome switch
        {
            SaslOutcome.Credentials => Login.LoginAsync(session, step.Credentials!),
            SaslOutcome.Challenge => ChallengeAsync(session, exchange, step.Challenge),
            _ => new(Pop3Reply.MalformedResponse),
        };
    }
}
