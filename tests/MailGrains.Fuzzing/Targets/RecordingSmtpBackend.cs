using System.Buffers;
using MailGrains.Fuzzing.Models;
using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tls;

namespace MailGrains.Fuzzing.Targets;

/// <summary>
/// Takes everything but recipients whose name begins with x (no such mailbox) or t (later), and watches what the seam promises: order, one end for each
/// content, nothing in it that was to be kept out.
/// </summary>
internal sealed class RecordingSmtpBackend : ISmtpBackend
{
    private MailParameters _parameters;
    private bool _hasSender;
    private int _recipients;
    private Sink? _open;

    public List<byte[]> Messages { get; } = [];

    public void CheckEnd() => Check.That(_open is null, "a content was neither completed nor aborted");

    public void Secured(TlsFacts tls) => throw new FindingException("TLS without a certificate");

    public void Hello(SmtpHello hello) => Check.That(!_hasSender, "a transaction is open after EHLO");

    public void Authenticated(SaslIdentity identity)
    {
    }

    public ValueTask<SmtpReply> MailAsync(ReversePath reversePath, MailParameters parameters, CancellationToken cancellationToken)
    {
        Check.That(!_hasSender, "MAIL in MAIL");
        (_hasSender, _parameters) = (true, parameters);
        return new(SmtpReply.SenderOk250);
    }

    public ValueTask<SmtpReply> RcptAsync(ForwardPath forwardPath, RcptParameters parameters, CancellationToken cancellationToken)
    {
        Check.That(_hasSender && _open is null, "RCPT without MAIL");
        var reply = (forwardPath.Mailbox?.Localpart ?? "")[..Math.Min(1, forwardPath.Mailbox?.Localpart.Length ?? 0)] switch
        {
            "x" => SmtpReply.NoSuchMailbox550,
            "t" => SmtpReply.MailboxFull452,
            _ => SmtpReply.RecipientOk250,
        };
        _recipients += reply.IsPositive ? 1 : 0;
        return new(reply);
    }

    public ValueTask<SmtpContentStart> BeginContentAsync(CancellationToken cancellationToken)
    {
        Check.That(_recipients > 0 && _open is null, "content without a recipient");
        _open = new Sink(this, _parameters.Body == BodyType.BinaryMime);
        return new(SmtpContentStart.To(_open));
    }

    public ValueTask<SmtpReply> EtrnAsync(EtrnNode node, CancellationToken cancellationToken)
    {
        Check.That(!_hasSender, "ETRN in a transaction");
        Check.That(node.Name.Length > 0 && node.Name.All(c => c is > ' ' and <= '~'), "ETRN of no node");
        return new(EtrnReplies.NothingWaits251(node));
    }

    public void Reset()
    {
        Check.That(_open is null, "a reset with content open");
        (_hasSender, _recipients) = (false, 0);
    }

    public void Failed(Exception failure) => throw new FindingException($"reported as failed: {failure}");

    public ValueTask DisposeAsync() => default;

    private sealed class Sink(RecordingSmtpBackend backend, bool isBinary) : ISmtpContentSink
    {
        private static readonly ContentLimits NoLimits = new(int.MaxValue, int.MaxValue, long.MaxValue);

        private readonly ArrayBufferWriter<byte> _content = new();

        public ValueTask<SmtpReply?> WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
        {
            Check.That(backend._open == this, "content after its end");
            _content.Write(piece.Span);
            return default;
        }

        public ValueTask<SmtpReply> CompleteAsync(CancellationToken cancellationToken)
        {
            CheckContent(isWhole: true);
            backend.Messages.Add(_content.WrittenSpan.ToArray());
            return new(SmtpReply.Ok250);
        }

        public ValueTask AbortAsync(SmtpContentFailure reason)
        {
            CheckContent(isWhole: false);
            return default;
        }

        private void CheckContent(bool isWhole)
        {
            Check.That(backend._open == this, "a content ends twice");
            backend._open = null;
            Check.That(ContentModel.IsGood(_content.WrittenSpan, NoLimits, isBinary, isMended: false, isWhole), "content with a bare CR, LF or NUL");
        }
    }
}
