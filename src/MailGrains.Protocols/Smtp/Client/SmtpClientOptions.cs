using System.Text;
using MailGrains.Protocols.Wire;

namespace MailGrains.Protocols.Smtp.Client;

/// <summary>A client's name, times and limits; immutable and shared by connections. Times are those of RFC 5321 §4.5.3.2.</summary>
public sealed record SmtpClientOptions
{
    /// <summary>In EHLO and HELO (RFC 5321 §4.1.1.1): a domain or an address literal.</summary>
    /// <exception cref="ArgumentException">It is neither.</exception>
    public required string HelloName
    {
        get;
        init
        {
            var decoder = new TextDecoder(Encoding.UTF8.GetBytes(value));
            PathDecoder.ExpectHelloName(ref decoder);
            decoder.ExpectEnd();
            field = decoder.Failed ? throw new ArgumentException($"'{value}' is neither a domain nor an address literal.", nameof(HelloName)) : value;
        }
    }

    /// <summary>From the connection to the whole greeting (RFC 5321 §4.5.3.2.1).</summary>
    public TimeSpan GreetingTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>For the whole reply to MAIL, RCPT (RFC 5321 §4.5.3.2.2 and §4.5.3.2.3), EHLO, STARTTLS, AUTH, RSET and NOOP.</summary>
    public TimeSpan CommandTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>For the reply to DATA (RFC 5321 §4.5.3.2.4).</summary>
    public TimeSpan DataTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>For the server to take a block of content, or any other thing that we write (RFC 5321 §4.5.3.2.5).</summary>
    public TimeSpan DataBlockTimeout { get; init; } = TimeSpan.FromMinutes(3);

    /// <summary>For the reply to the end of the content (RFC 5321 §4.5.3.2.6); who gives up earlier sends twice.</summary>
    public TimeSpan EndOfDataTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>For a TLS handshake.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>For the reply to QUIT, on which nothing depends.</summary>
    public TimeSpan QuitTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// A transaction up to the end of its content has this time, and that which its content takes at <see cref="MinBytesPerSecond"/>: a server that takes
    /// each step just in time does not hold us for days.
    /// </summary>
    public TimeSpan TransactionGrace { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>See <see cref="TransactionGrace"/>.</summary>
    public int MinBytesPerSecond { get; init; } = 1_024;

    /// <summary>Recipients asked in a transaction where the server names a limit (RFC 9422) that is higher; where it names none, 100 (RFC 5321 §4.5.3.1.8).</summary>
    public int MaxRecipients { get; init; } = 1_000;

    /// <summary>False: step by step, whatever the server offers.</summary>
    public bool UsesPipelining { get; init; } = true;

    /// <summary>False: DATA, whatever the server offers; a message that is BINARYMIME then can't be sent.</summary>
    public bool UsesChunking { get; init; } = true;

    /// <summary>The most of a chunk (BDAT); a buffer of this size is held while content flows.</summary>
    public int ChunkBytes { get; init; } = 64 << 10;

    /// <summary>Logs in without TLS too.</summary>
    public bool AllowsClearTextLogin { get; init; }
}
