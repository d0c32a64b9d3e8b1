using System.Text;
using DnsClient;

namespace MailGrains.Messages.Dns;

public static class DnsNames
{
    /// <summary>
    /// As it stood in the answer, in lower case and without the last dot. The library makes letters of other scripts out of A-labels, and keeps them in the one
    /// property or the other.
    /// </summary>
    public static string Plain(this DnsString name) => (Ascii.IsValid(name.Value) ? name.Value : name.Original).TrimEnd('.').ToLowerInvariant();
}
