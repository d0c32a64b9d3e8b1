using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace MailGrains.Deployment;

/// <summary>The forms that values of settings have.</summary>
internal static partial class SettingForms
{
    private const int MaxNameLength = 253;

    private const int MilliCpus = 1000;

    private const int MiInGi = 1024;

    /// <summary>The most processors that a pod is taken to ask for: "1500" is meant to be 1500m.</summary>
    private const int MaxCpus = 64;

    /// <summary>A name of a host in the whole DNS: with a dot, in ASCII, without a dot at its end. No last label begins with a digit, as an address's does.</summary>
    public static bool IsHostName(string text) => text.Length <= MaxNameLength && HostName().IsMatch(text) && !IPAddress.TryParse(text, out _);

    /// <summary>An IPv4 address as it is commonly written: pods have no other.</summary>
    public static bool IsAddress(string text) =>
        IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork && address.ToString() == text;

    public static bool IsPort(string text) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0;

    /// <summary>A name of a key in Azure Key Vault.</summary>
    public static bool IsKeyName(string text) => KeyName().IsMatch(text);

    /// <summary>A mail address without quotes, in ASCII: such as a URL of mailto can hold as it is.</summary>
    public static bool IsMailAddress(string text) =>
        text.LastIndexOf('@') is > 0 and var at && Localpart().IsMatch(text[..at]) && IsHostName(text[(at + 1)..]);

    /// <summary>Processors as Kubernetes writes them: <c>500m</c>, <c>2</c>, <c>1.5</c>.</summary>
    public static bool IsCpu(string text) => Cpu().Match(text) is { Success: true } cpu &&
        Amount(cpu) * (cpu.Groups["unit"].Length > 0 ? 1 : MilliCpus) is > 0 and <= MaxCpus * MilliCpus;

    /// <summary>Memory as Kubernetes writes it, <c>512Mi</c> or <c>1.5Gi</c>, in Mi. Null: it is none.</summary>
    public static decimal? Memory(string text) =>
        Size().Match(text) is { Success: true } memory && Amount(memory) * (memory.Groups["unit"].Value == "Gi" ? MiInGi : 1) is > 0 and var size ? size : null;

    private static decimal Amount(Match match) => decimal.Parse(match.Groups["amount"].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(
        @"\A([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex HostName();

    [GeneratedRegex(@"\A[-A-Za-z0-9]{1,127}\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex KeyName();

    [GeneratedRegex(@"\A[-A-Za-z0-9._+=~]{1,64}\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Localpart();

    [GeneratedRegex(@"\A(?<amount>[0-9]{1,6})(?<unit>m)\z|\A(?<amount>[0-9]{1,6}(\.[0-9]{1,3})?)\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Cpu();

    [GeneratedRegex(@"\A(?<amount>[0-9]{1,9}(\.[0-9]{1,3})?)(?<unit>Mi|Gi)\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Size();
}
