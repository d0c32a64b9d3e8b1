using MailGrains.Protocols.Sasl;
using MailGrains.Protocols.Smtp;
using MailGrains.Protocols.Tls;

namespace MailGrains.Protocols.Tests.Smtp;

/// <summary>Answers as the test says and remembers what it was asked.</summary>
public sealed class ScriptedSmtpBackend : ISmtpBackend, ISmtpContentSink
{
    public Func<ReversePath, MailParameters, SmtpReply> Mail { get; init; } = (_, _) => SmtpReply.SenderOk250;

    public Func<ForwardPath, SmtpReply> Rcpt { get; init; } = _ => SmtpReply.RecipientOk250;

    public Func<SmtpContentStart>? Begin { get; init; }

    public Func<ReadOnlyMemory<byte>, ValueTask<SmtpReply?>> Write { get; init; } = _ => default;

    public Func<ValueTask<SmtpReply>> Complete { get; init; } = () => new(SmtpReply.Ok250);

    public List<SmtpHello> Hellos { get; } = [];

    public List<(ReversePath Path, MailParameters Parameters)> Mails { get; } = [];

    public List<ForwardPath> Recipients { get; } = [];

    public List<Exception> Failures { get; } = [];

    public List<SmtpContentFailure> Aborts { get; } = [];

    public int Resets { get; private set; }

    public int Completions { get; private set; }

    public long WrittenBytes { get; private set; }

    public void Hello(SmtpHello hello) => Hellos.Add(hello);

    public void Secured(TlsFacts tls)
    {
    }

    public void Authenticated(SaslIdentity identity)
    {
    }

    public async ValueTask<SmtpReply> MailAsync(ReversePath reversePath, MailParameters parameters, CancellationToken cancellationToken)
    {
        Mails.Add((reversePath, parameters));
        await Task.CompletedTask;
        return Mail(reversePath, parameters);
    }

    public ValueTask<SmtpReply> RcptAsync(ForwardPath forwardPath, RcptParameters parameters, CancellationToken cancellationToken)
    {
        Recipients.Add(forwardPath);
        return new(Rcpt(forwardPath));
    }

    public ValueTask<SmtpContentStart> BeginContentAsync(CancellationToken cancellationToken) =>
        new(Begin is null ? SmtpContentStart.To(this) : Begin());

    public void Reset() => Resets++;

    public void Failed(Exception failure) => Failures.Add(failure);

    public ValueTask DisposeAsync() => default;

    public ValueTask<SmtpReply?> WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        WrittenBytes += piece.Length;
        return Write(piece);
    }

    public ValueTask<SmtpReply> CompleteAsync(CancellationToken cancellationToken)
    {
        Completions++;
        return Complete();
    }

    public ValueTask AbortAsync(SmtpContentFailure reason)
    {
        Aborts.Add(reason);
        return default;
    }
}
