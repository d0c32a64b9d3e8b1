using System.Text.Json.Nodes;

namespace MailGrains.Infra.Tests.Bicep;

/// <summary>One rule of a baseline, over what would be deployed.</summary>
/// <param name="Name">That of PSRule for Azure where there is one (https://azure.github.io/PSRule.Rules.Azure/), checked here in our own words; else ours.</param>
/// <param name="Profiles">Where it holds.</param>
/// <param name="Violations">Who breaks it, or what is missing.</param>
/// <param name="Break">Makes a deployment that breaks it.</param>
internal sealed record PolicyRule(string Name, string[] Profiles, Func<Snapshot, IEnumerable<string>> Violations, Action<Snapshot> Break)
{
    /// <summary>Each resource of the type is so, and there is one.</summary>
    public static PolicyRule Each(string name, string[] profiles, string type, Predicate<JsonObject> isSo, Action<JsonObject> spoil) => new(
        name,
        profiles,
        snapshot => snapshot.OfType(type) is { Count: > 0 } resources
            ? resources.Where(resource => !isSo(resource)).Select(resource => resource.Text("id")!)
            : [$"There is no {type}."],
        snapshot => spoil(snapshot.OfType(type)[^1]));

    /// <summary>Each resource of the type has this value there.</summary>
    public static PolicyRule Value(string name, string[] profiles, string type, string path, JsonNode value, JsonNode? wrong) => Each(
        name,
        profiles,
        type,
        resource => JsonNode.DeepEquals(resource.At(path), value),
        resource => resource.Set(path, wrong?.DeepClone()));

    /// <summary>There is such a resource.</summary>
    public static PolicyRule Some(string name, string[] profiles, string type, Predicate<JsonObject> isSo) => new(
        name,
        profiles,
        snapshot => snapshot.OfType(type).Any(resource => isSo(resource)) ? [] : [$"There is no such {type}."],
        snapshot =>
        {
            foreach (var resource in snapshot.OfType(type).Where(resource => isSo(resource)))
            {
                snapshot.Resources.Remove(resource);
            }
        });
}
