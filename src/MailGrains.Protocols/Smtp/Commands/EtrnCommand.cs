using System.Text;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Commands;

/// <summary>ETRN [@ or #] node (RFC 1985), between transactions only.</summary>
internal static class EtrnCommand
{
    public static ValueTask<SmtpReply?> ExecuteAsync(SmtpServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (!session.Options.Extensions.HasFlag(SmtpExtensions.Etrn))
        {
            return new(SmtpReply.NotImplemented502);
        }

        var decoder = new TextDecoder(arguments);
        var scope = decoder.TryByte((byte)'@') ? EtrnScope.Subdomains : decoder.TryByte((byte)'#') ? EtrnScope.Queue : EtrnScope.Domain;
        var name = PathDecoder.ExpectHelloName(ref decoder);
        decoder.ExpectEnd();
        return decoder.Failed || !Ascii.IsValid(name) ? new(SmtpReply.SyntaxError501) : AskAsync(session, new EtrnNode(name, scope));
    }

    private static async ValueTask<SmtpReply?> AskAsync(SmtpServerSession session, EtrnNode node) =>
        await session.Backend.EtrnAsync(node, session.Aborted);
}
