using System.Text;

namespace MailGrains.Web;

/// <summary>HTTP Basic (RFC 7617): a name and a password in base64.</summary>
internal static class BasicCredentials
{
    public const string Scheme = "Basic";

    /// <param name="encoded">What follows the scheme in Authorization.</param>
    public static (string Name, string Password)? Decode(string encoded)
    {
        var decoded = new byte[encoded.Length];
        if (!Convert.TryFromBase64String(encoded, decoded, out var length))
        {
            return null;
        }

        var text = Encoding.UTF8.GetString(decoded, 0, length);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 ? null : (text[..colon], text[(colon + 1)..]);
    }
}
