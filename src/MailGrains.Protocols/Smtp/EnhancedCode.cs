namespace MailGrains.Protocols.Smtp;

/// <summary>
/// The subject and detail of an enhanced status code (RFC 3463 §2). Its class is the first digit of the reply's code, so a reply can't say
/// 4xx with a permanent status (RFC 2034).
/// </summary>
public readonly record struct EnhancedCode(int Subject, int Detail)
{
    /// <summary>No enhanced code: the greeting, HELO, EHLO, 354 (RFC 2034).</summary>
    public static EnhancedCode None => new(-1, -1);

    public bool IsNone => Subject < 0;
}
