using System.Globalization;

namespace MailGrains.Deployment;

/// <summary>The variables of an azd environment: what the operator set, and the template's outputs. An empty one counts as none.</summary>
/// <param name="read">The value of a variable; null or empty: none.</param>
public sealed class AzdVariables(Func<string, string?> read)
{
    /// <summary>Those that azd gave the process.</summary>
    public static AzdVariables OfProcess { get; } = new(Environment.GetEnvironmentVariable);

    public string? this[string name] => read(name) is { Length: > 0 } value ? value : null;

    /// <exception cref="HookException">It is not set.</exception>
    public string Required(string name) =>
        this[name] ?? throw new HookException($"{name} is not set. Run this through azd (`azd hooks run`), after `azd up`.");

    /// <exception cref="HookException">It is not a number.</exception>
    public int Number(string name, int absent) => this[name] is not { } text
        ? absent
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new HookException($"{name} is \"{text}\", which is not a number.");

    /// <summary>False where it is not set.</summary>
    /// <exception cref="HookException">It is neither true nor false.</exception>
    public bool Flag(string name) => this[name] is { } text &&
        (bool.TryParse(text, out var flag) ? flag : throw new HookException($"{name} is \"{text}\", which is neither true nor false."));

    /// <summary>The words of a comma-separated list.</summary>
    public IReadOnlyList<string> List(string name) =>
        this[name]?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) ?? [];
}
