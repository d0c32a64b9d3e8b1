using System.Text;

namespace MailGrains.Protocols.Pop3.Commands;

/// <summary>LANG (RFC 6856 §3): the texts are English, so the list has one entry and every range that takes English gets it.</summary>
internal static class LangCommand
{
    private static readonly Pop3Reply English = Pop3Reply.Ok("en Texts are in English");

    public static ValueTask<Pop3Reply?> ExecuteAsync(Pop3ServerSession session, ReadOnlySpan<byte> arguments)
    {
        if (arguments.IsEmpty)
        {
            session.WriteLines("+OK languages follow", ["en English"]);
            return default;
        }

        var isEnglish = arguments.SequenceEqual("*"u8) || Ascii.EqualsIgnoreCase(arguments, "i-default"u8)
            || (arguments.Length >= 2 && Ascii.EqualsIgnoreCase(arguments[..2], "en"u8) && (arguments.Length == 2 || arguments[2] == '-'));
        return new(isEnglish ? English : Pop3Reply.NoSuchLanguage);
    }
}
