namespace MailGrains.Gateways.Tests;

/// <summary>Messages as a client sends them.</summary>
internal static class TestMail
{
    public const string Body = "Hello,\r\n.a line with a dot\r\n..\r\n\r\nbye\r\n";

    /// <summary>A message with an id of its own.</summary>
    public static string New(string body = Body) => WithId($"{Guid.NewGuid():n}@example.org", body);

    public static string WithId(string messageId, string body = Body) => $"Message-ID: <{messageId}>\r\n{WithoutId(body)}";

    public static string WithoutId(string body = Body) => $"From: <ann@example.org>\r\nSubject: hello\r\n\r\n{body}";

    /// <summary>A message of at least that many octets, no two alike.</summary>
    public static string OfSize(int bytes)
    {
        var line = new string('x', 76) + "\r\n";
        return New(string.Concat(Enumerable.Repeat(line, (bytes / line.Length) + 1)));
    }
}
